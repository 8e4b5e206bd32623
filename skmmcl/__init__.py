"""Multimodal contrastive learning for neuroimaging, as scikit-learn estimators.

Nothing is loaded before it is asked for: ``import skmmcl`` takes a few milliseconds.
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

__version__ = "0.1.0.dev0"

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

# Where the names that are no room of their own live.
_HOMES = {
    "AnatCLEmbedder": "skmmcl.contrastive",
    "CLIPEmbedder": "skmmcl.cross_decomposition",
    "CMCCSSEmbedder": "skmmcl.cross_decomposition",
    "CoMMEmbedder": "skmmcl.cross_decomposition",
    "ComBat": "skmmcl.preprocessing",
    "ConditionalUniformityEmbedder": "skmmcl.contrastive",
    "ConfoundRegressor": "skmmcl.preprocessing",
    "ConnectomeVectorizer": "skmmcl.preprocessing",
    "ContrastiveRegressionEmbedder": "skmmcl.contrastive",
    "CrossFitTransformer": "skmmcl.model_selection",
    "DecoupledUniformityEmbedder": "skmmcl.contrastive",
    "DeepEnsembleClassifier": "skmmcl.ensemble",
    "DeepEnsembleRegressor": "skmmcl.ensemble",
    "DeepInfoMaxEmbedder": "skmmcl.cross_decomposition",
    "DeepUCSL": "skmmcl.cluster",
    "EmbeddingNet": "skmmcl.training",
    "EpsSupInfoNCEEmbedder": "skmmcl.contrastive",
    "FineTunedClassifier": "skmmcl.ensemble",
    "FineTunedRegressor": "skmmcl.ensemble",
    "HistogramStandardizer": "skmmcl.preprocessing",
    "LabeledOnly": "skmmcl.model_selection",
    "MMVAEEmbedder": "skmmcl.decomposition",
    "MaskedZScore": "skmmcl.preprocessing",
    "ModalityTransformer": "skmmcl.preprocessing",
    "MultiLabelSupConEmbedder": "skmmcl.contrastive",
    "MultimodalData": "skmmcl.data",
    "SepVAEEmbedder": "skmmcl.decomposition",
    "SimCLREmbedder": "skmmcl.contrastive",
    "SupConEmbedder": "skmmcl.contrastive",
    "SupervisedEmbedder": "skmmcl.cross_decomposition",
    "TopologicalConsistencyEmbedder": "skmmcl.cross_decomposition",
    "UCSL": "skmmcl.cluster",
    "WeightedContrastiveEmbedder": "skmmcl.contrastive",
    "YAwareEmbedder": "skmmcl.contrastive",
    "compare_transfer": "skmmcl.ensemble",
    "distributed_fit": "skmmcl.parallel",
    "from_hub": "skmmcl.sharing",
    "compare": "skmmcl.model_selection",
    "labeled_scorer": "skmmcl.model_selection",
    "linear_probe_search": "skmmcl.model_selection",
    "load_bids": "skmmcl.volumes",
    "load_model": "skmmcl.sharing",
    "load_volumes": "skmmcl.volumes",
    "model_info": "skmmcl.sharing",
    "push_to_hub": "skmmcl.sharing",
    "save_model": "skmmcl.sharing",
    "stacked_fits": "skmmcl.parallel",
}


def __getattr__(name: str) -> object:
    """Import a public name at its first use (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = _HOMES.get(name)
    value = getattr(import_module(home), name) if home else import_module(f"{__name__}.{name}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List what is loaded and what would be at its first use."""
    return sorted({*globals(), *__all__})
