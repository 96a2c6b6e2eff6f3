"""`kabanero serve`: starts the runner in the foreground. Prints one line `ready http://HOST:PORT` when it serves."""

from __future__ import annotations

from pathlib import Path

import click

OPTIONS = {
    "data_dir": "dataDir",
    "listen": "listener.listen",
    "webhook_listen": "webhook.listener.listen",
    "project_dir": "projectDir",
    "store": "store",
    "kubeconfig": "kubernetes.kubeconfig",
    "log_level": "logLevel",
}
"""The setting that each option sets."""


@click.command()
@click.option("--data-dir", type=click.Path(path_type=Path, file_okay=False), help="Folder of databases and artifacts.")
@click.option("--listen", metavar="HOST:PORT", help="Address of API and webhook; port 0 picks a free one.")
@click.option("--webhook-listen", metavar="HOST:PORT", help="An address of its own for the webhook.")
@click.option("--project-dir", type=click.Path(path_type=Path, file_okay=False), help="Folder of playbooks.")
@click.option("--store", type=click.Choice(["sqlite", "kubernetes"]), help="Where resources are kept.")
@click.option("--kubeconfig", type=click.Path(path_type=Path, dir_okay=False), help="The API server and who we are.")
@click.option("--config", type=click.Path(path_type=Path, dir_okay=False), help="YAML file with settings.")
@click.option(
    "--log-level", type=click.Choice(["debug", "info", "warning", "error"]), help="Least level that is logged."
)
def serve(config: Path | None, **options: object) -> None:
    """Start the runner.

    \b
    Examples:
      kabanero serve --data-dir ./data --listen 127.0.0.1:8080 --project-dir ./playbooks
      kabanero serve --config kabanero.yaml
      kabanero serve --store kubernetes --kubeconfig ~/.kube/config
    """
    from kabanero.app import main
    from kabanero.settings import read_settings

    main(read_settings(config, {OPTIONS[name]: value for name, value in options.items()}))
