"""Playing a playbook in a fork of a process that has Ansible loaded: what a fresh start would have computed, redone.

Used by the job server: `load` once, `player` in each driver. Facts about what has to be redone, with reasons:
constants and plugin paths are read from the environment at import; temporary folders, random ids, standard streams and
the colour decision belong to a process; a CLI leaves global arguments behind, so none ever runs in the server itself.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import io
import os
import random
import secrets
import signal
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

from kabanero.executors.ansible import direct, prepared
from kabanero.executors.ansible.processes import take_environment

CORE_PLUGINS = {
    "inventory_loader": ("host_list", "script", "auto", "yaml", "ini", "toml"),
    "vars_loader": ("host_group_vars",),
    "cache_loader": ("memory",),
    "callback_loader": ("default", "oneline"),
    "connection_loader": ("local", "ssh"),
    "shell_loader": ("sh",),
    "become_loader": ("sudo", "su"),
    "strategy_loader": ("linear", "free"),
    "action_loader": (
        "normal", "debug", "command", "shell", "copy", "template", "set_fact", "set_stats", "assert", "fail",
        "include_vars", "uri", "gather_facts", "add_host", "group_by", "pause", "validate_argument_spec",
    ),
    "lookup_loader": ("file", "env", "items", "template", "pipe", "fileglob", "dict", "first_found", "vars"),
}  # fmt: skip
OUR_NAMESPACE = "kabanero"
OUR_PLUGINS = ("kabanero.events.stage_result", "kabanero.events.tekton_pipeline_run", "kabanero.events.event")
"""Actions of the collection; what they import comes with them. The last is that of all modules that are clients."""
ALL_PLUGINS = ("become_loader", "cache_loader", "callback_loader", "connection_loader", "shell_loader")
PATHS = {
    "doc_fragments": "DOC_FRAGMENT_PLUGIN_PATH",
    "action_plugins": "DEFAULT_ACTION_PLUGIN_PATH",
    "cache_plugins": "DEFAULT_CACHE_PLUGIN_PATH",
    "callback_plugins": "DEFAULT_CALLBACK_PLUGIN_PATH",
    "connection_plugins": "DEFAULT_CONNECTION_PLUGIN_PATH",
    "library": "DEFAULT_MODULE_PATH",
    "module_utils": "DEFAULT_MODULE_UTILS_PATH",
    "lookup_plugins": "DEFAULT_LOOKUP_PLUGIN_PATH",
    "filter_plugins": "DEFAULT_FILTER_PLUGIN_PATH",
    "test_plugins": "DEFAULT_TEST_PLUGIN_PATH",
    "strategy_plugins": "DEFAULT_STRATEGY_PLUGIN_PATH",
    "vars_plugins": "DEFAULT_VARS_PLUGIN_PATH",
    "inventory_plugins": "DEFAULT_INVENTORY_PLUGIN_PATH",
    "become_plugins": "BECOME_PLUGIN_PATH",
}


def load() -> None:
    """Imports what every playbook needs and reads what every playbook reads."""

    import ansible.cli.playbook
    import ansible.executor.module_common
    import ansible.executor.playbook_executor
    import ansible.executor.process.worker
    import ansible.executor.task_executor
    import ansible.executor.task_queue_manager  # noqa: F401

    _remember_redirects()
    _load_plugins()
    _load_our_plugins()
    _allow_our_names()
    _load_inline()
    prepared.prepare(CORE_PLUGINS)
    _index_settings()
    gc.collect()
    gc.freeze()


def _remember_redirects() -> None:
    """Ansible reads a large YAML file of plugin redirects at every start: read once, by content."""
    import pkgutil

    from ansible.utils.collection_loader import _collection_finder as finder

    original, known = finder._meta_yml_to_dict, {}

    def remembered(raw: Any, origin: Any) -> Any:
        key = bytes(raw) if isinstance(raw, bytes | bytearray) else str(raw)
        if key not in known:
            known[key] = original(raw, origin)
        return known[key]

    finder._meta_yml_to_dict = remembered
    raw = pkgutil.get_data("ansible", "config/ansible_builtin_runtime.yml")
    remembered(raw, ("ansible.builtin", "runtime.yml"))


def _allow_our_names() -> None:
    """`strategy` is an extra var of every stage; Ansible would warn of it each time, though nothing is at stake."""
    from ansible.vars import reserved

    reserved._RESERVED_NAMES = frozenset(reserved._RESERVED_NAMES - {"strategy"})


def _load_plugins() -> None:
    from ansible.plugins import loader

    for name, plugins in CORE_PLUGINS.items():
        each = getattr(loader, name)
        for plugin in plugins:
            each.get(plugin, class_only=True)
        if each._plugin_instance_cache is not None:
            each._plugin_instance_cache.clear()  # It would hand the class out where an instance is wanted.
    for name in ALL_PLUGINS:
        list(getattr(loader, name).all(class_only=True))
    for name in ("filter_loader", "test_loader"):
        list(getattr(loader, name).all())


def _load_our_plugins() -> None:
    """Collections are found from here on; a playbook's own process finds them in the same places and need not look."""
    from ansible.plugins import loader

    loader.init_plugin_loader()
    loader._configure_collection_loader = lambda prefix_collections_path=None: None
    for plugin in OUR_PLUGINS:
        with contextlib.suppress(Exception):
            loader.action_loader.get(plugin, class_only=True)
    direct.load()


def _load_inline() -> None:
    """An Ansible that has other inner parts than it needs gets on without."""
    with contextlib.suppress(ImportError, AttributeError):
        from kabanero.executors.ansible import inline

        inline.install(OUR_PLUGINS)


def _forget_our_plugins(playbook: str) -> None:
    """A collection that lies beside the playbook counts before the one that was loaded."""
    path = Path(playbook)
    beside = path.parent / "collections" / "ansible_collections" / OUR_NAMESPACE
    if path.suffix not in (".yml", ".yaml") or not beside.is_dir():
        return
    package = f"ansible_collections.{OUR_NAMESPACE}"
    for name in [each for each in sys.modules if each == package or each.startswith(f"{package}.")]:
        del sys.modules[name]


def player(argv: list[str], environment: dict[str, str], folder: str, *, inline: bool = True) -> Any:
    """The function that plays a playbook in the child that pexpect has forked; it never returns.

    `inline`: tasks that need no process of their own get none.
    """

    def play() -> None:
        code = 250
        try:
            os.closerange(3, 1 << 16)
            if not inline:
                _fork_every_task()
            code = _play(argv, environment, folder)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        except BaseException:
            traceback.print_exc()
        finally:
            _leave(code)

    return play


def _fork_every_task() -> None:
    if "kabanero.executors.ansible.inline" in sys.modules:
        from kabanero.executors.ansible import inline

        inline.remove()


def _leave(code: int) -> None:
    with contextlib.suppress(BaseException):
        atexit._run_exitfuncs()
    with contextlib.suppress(BaseException):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code & 0xFF)


def _play(argv: list[str], environment: dict[str, str], folder: str) -> int:
    for number in (signal.SIGTERM, signal.SIGPIPE, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    changed = _changed(environment)
    take_environment(environment)
    os.chdir(folder)
    sys.argv[:] = argv
    _own_streams()
    _own_identity()
    _own_configuration(changed)
    _forget_our_plugins(argv[-1])
    from ansible.cli.playbook import PlaybookCLI

    PlaybookCLI.cli_executor(argv)
    return 0


_settings: dict[str, list[str]] = {}
"""Names of settings by the environment variable that they are read from."""


def _index_settings() -> None:
    from ansible import constants

    for name, definition in constants.config.get_configuration_definitions().items():
        for each in definition.get("env") or ():
            _settings.setdefault(each.get("name", ""), []).append(name)


def _changed(environment: dict[str, str]) -> set[str]:
    return {name for name in {*os.environ, *environment} if os.environ.get(name) != environment.get(name)}


def _own_streams() -> None:
    """Standard streams of this process, and Ansible's lock around them."""
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    sys.stdout = _stream(1, "surrogateescape")
    sys.stderr = _stream(2, "backslashreplace")
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr  # type: ignore[misc]
    from ansible.utils import color, display

    shown = display.Display()
    display._synchronize_textiowrapper(sys.stdout, shown._lock)
    display._synchronize_textiowrapper(sys.stderr, shown._lock)
    shown._set_column_width()
    color.ANSIBLE_COLOR = True


def _stream(number: int, errors: str) -> io.TextIOWrapper:
    raw = io.BufferedWriter(io.FileIO(number, "w", closefd=False))
    return io.TextIOWrapper(raw, "utf-8", errors=errors, line_buffering=True)


def _own_identity() -> None:
    """Ids that must not be those of the process that this one was forked from."""
    import ansible.utils.vars as ids

    random.seed()
    ids.random_int = f"{secrets.randbelow(ids._MAXSIZE):08x}"[:8]
    ids.cur_id = 0


def _own_configuration(changed: set[str]) -> None:
    """Settings that the environment of this job changes, a temporary folder of its own, and the plugin paths."""
    from ansible import constants
    from ansible.config import manager

    with contextlib.suppress(Exception):
        atexit.unregister(manager.cleanup_tmp_file)
    constants.set_constant("DEFAULT_LOCAL_TMP", _own_folder(Path(constants.DEFAULT_LOCAL_TMP).parent))
    for name in {name for variable in changed for name in _settings.get(variable, ())}:
        constants.set_constant(name, constants.config.get_config_value(name, variables=vars(constants)))
    _own_plugin_paths(constants)


def _own_folder(parent: Path) -> str:
    """As Ansible makes it. Asked for it, it would read the setting's template again."""
    from ansible.config import manager

    parent.mkdir(0o700, parents=True, exist_ok=True)
    made = tempfile.mkdtemp(prefix=f"ansible-local-{os.getpid()}", dir=parent)
    atexit.register(manager.cleanup_tmp_file, made, warn=True)
    return made


def _own_plugin_paths(constants: Any) -> None:
    from ansible.plugins import loader

    for _, each in loader.get_all_plugin_loaders():
        wanted = getattr(constants, PATHS.get(each.subdir, ""), None)
        if wanted is not None and each.config != wanted:
            each.config = wanted if isinstance(wanted, list) else [wanted]
            each._clear_caches()
