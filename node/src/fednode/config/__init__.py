"""`fednode.toml`: the tables every daemon has (`fedprotocol.config`) and those of a node that trains."""

from fednode.config.node_config import DEFAULT_NAME, NodeConfig, load
from fednode.config.tables import (
    DataConfig,
    ModelConfig,
    NodeSection,
    PrivacyConfig,
    PrivateConfig,
    ServerConfig,
    SoloConfig,
    TrackConfig,
    TrainingConfig,
)
from fednode.config.template import TEMPLATE, render

__all__ = [
    "DEFAULT_NAME",
    "TEMPLATE",
    "DataConfig",
    "ModelConfig",
    "NodeConfig",
    "NodeSection",
    "PrivacyConfig",
    "PrivateConfig",
    "ServerConfig",
    "SoloConfig",
    "TrackConfig",
    "TrainingConfig",
    "load",
    "render",
]
