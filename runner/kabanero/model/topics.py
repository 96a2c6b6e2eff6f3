"""The topics that the product itself speaks on."""

import enum


class Topic(enum.StrEnum):
    """The topics that the product itself speaks on. Any other word is a free application topic (`Integration_A`)."""

    SOURCE_REPOSITORY = "SourceRepository"
    KABANERO_MANAGEMENT = "KabaneroManagement"
    KABANERO_CLIENT = "KabaneroClient"
    KUBERNETES_API = "KubernetesAPI"
    KABANERO_OPERATOR = "KabaneroOperator"
    TIMER = "Timer"
    IMAGE_REGISTRY = "ImageRegistry"
    STRATEGY = "Strategy"
