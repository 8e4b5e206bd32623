"""Multimodal contrastive learning for neuroimaging, as scikit-learn estimators.

Rooms load at their first use: ``import skmmcl`` takes a few milliseconds.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # type checkers read True; to import typing would cost most of the import
if TYPE_CHECKING:
    from skmmcl import (
        augmentation,
        base,
        cluster,
        contrastive,
        cross_decomposition,
        data,
        datasets,
        decomposition,
        ensemble,
        exceptions,
        inspection,
        kernels,
        losses,
        metrics,
        model_selection,
        networks,
        parallel,
        preprocessing,
        sharing,
        solvers,
        training,
        utils,
        volumes,
    )
    from skmmcl.cluster import UCSL, DeepUCSL
    from skmmcl.contrastive import (
        AnatCLEmbedder,
        ConditionalUniformityEmbedder,
        ContrastiveRegressionEmbedder,
        DecoupledUniformityEmbedder,
        EpsSupInfoNCEEmbedder,
        MultiLabelSupConEmbedder,
        SimCLREmbedder,
        SupConEmbedder,
        WeightedContrastiveEmbedder,
        YAwareEmbedder,
    )
    from skmmcl.cross_decomposition import (
        CLIPEmbedder,
        CMCCSSEmbedder,
        CoMMEmbedder,
        DeepInfoMaxEmbedder,
        SupervisedEmbedder,
        TopologicalConsistencyEmbedder,
    )
    from skmmcl.data import MultimodalData
    from skmmcl.decomposition import MMVAEEmbedder, SepVAEEmbedder
    from skmmcl.ensemble import (
        DeepEnsembleClassifier,
        DeepEnsembleRegressor,
        FineTunedClassifier,
        FineTunedRegressor,
        compare_transfer,
    )
    from skmmcl.model_selection import (
        CrossFitTransformer,
        LabeledOnly,
        compare,
        labeled_scorer,
        linear_probe_search,
    )
    from skmmcl.parallel import distributed_fit, stacked_fits
    from skmmcl.preprocessing import (
        ComBat,
        ConfoundRegressor,
        ConnectomeVectorizer,
        HistogramStandardizer,
        MaskedZScore,
        ModalityTransformer,
    )
    from skmmcl.sharing import from_hub, load_model, model_info, push_to_hub, save_model
    from skmmcl.training import EmbeddingNet
    from skmmcl.volumes import load_bids, load_volumes

__version__ = "0.1.0"

__all__ = [
    "AnatCLEmbedder",
    "CLIPEmbedder",
    "CMCCSSEmbedder",
    "CoMMEmbedder",
    "ComBat",
    "ConditionalUniformityEmbedder",
    "ConfoundRegressor",
    "ConnectomeVectorizer",
    "ContrastiveRegressionEmbedder",
    "CrossFitTransformer",
    "DecoupledUniformityEmbedder",
    "DeepEnsembleClassifier",
    "DeepEnsembleRegressor",
    "DeepInfoMaxEmbedder",
    "DeepUCSL",
    "EmbeddingNet",
    "EpsSupInfoNCEEmbedder",
    "FineTunedClassifier",
    "FineTunedRegressor",
    "HistogramStandardizer",
    "LabeledOnly",
    "MMVAEEmbedder",
    "MaskedZScore",
    "ModalityTransformer",
    "MultiLabelSupConEmbedder",
    "MultimodalData",
    "SepVAEEmbedder",
    "SimCLREmbedder",
    "SupConEmbedder",
    "SupervisedEmbedder",
    "TopologicalConsistencyEmbedder",
    "UCSL",
    "WeightedContrastiveEmbedder",
    "YAwareEmbedder",
    "augmentation",
    "base",
    "cluster",
    "compare",
    "compare_transfer",
    "contrastive",
    "cross_decomposition",
    "data",
    "datasets",
    "decomposition",
    "distributed_fit",
    "ensemble",
    "exceptions",
    "from_hub",
    "inspection",
    "kernels",
    "labeled_scorer",
    "linear_probe_search",
    "load_bids",
    "load_model",
    "load_volumes",
    "losses",
    "metrics",
    "model_info",
    "model_selection",
    "networks",
    "parallel",
    "preprocessing",
    "push_to_hub",
    "save_model",
    "sharing",
    "solvers",
    "stacked_fits",
    "training",
    "utils",
    "volumes",
]

# The names that each room gives to the root.
_ROOMS = {
    "cluster": "DeepUCSL UCSL",
    "contrastive": (
        "AnatCLEmbedder ConditionalUniformityEmbedder ContrastiveRegressionEmbedder "
        "DecoupledUniformityEmbedder EpsSupInfoNCEEmbedder MultiLabelSupConEmbedder "
        "SimCLREmbedder SupConEmbedder WeightedContrastiveEmbedder YAwareEmbedder"
    ),
    "cross_decomposition": (
        "CLIPEmbedder CMCCSSEmbedder CoMMEmbedder DeepInfoMaxEmbedder SupervisedEmbedder "
        "TopologicalConsistencyEmbedder"
    ),
    "data": "MultimodalData",
    "decomposition": "MMVAEEmbedder SepVAEEmbedder",
    "ensemble": (
        "DeepEnsembleClassifier DeepEnsembleRegressor FineTunedClassifier FineTunedRegressor "
        "compare_transfer"
    ),
    "model_selection": "CrossFitTransformer LabeledOnly compare labeled_scorer linear_probe_search",
    "parallel": "distributed_fit stacked_fits",
    "preprocessing": (
        "ComBat ConfoundRegressor ConnectomeVectorizer HistogramStandardizer MaskedZScore "
        "ModalityTransformer"
    ),
    "sharing": "from_hub load_model model_info push_to_hub save_model",
    "training": "EmbeddingNet",
    "volumes": "load_bids load_volumes",
}
_HOMES = {name: room for room, names in _ROOMS.items() for name in names.split()}


def __getattr__(name: str) -> object:
    """Import a public name at its first use (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    room = import_module(f"{__name__}.{_HOMES.get(name, name)}")
    value = getattr(room, name) if name in _HOMES else room
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the names that are loaded and those that load at their first use."""
    return sorted({*globals(), *__all__})
