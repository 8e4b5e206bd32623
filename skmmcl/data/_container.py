"""MultimodalData: named arrays of the same subjects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from skmmcl.data._columns import read_table
from skmmcl.data._content import Content
from skmmcl.data._display import html_repr, text_repr
from skmmcl.data._flat import blank, flat_array
from skmmcl.data._frames import index_of, is_pandas
from skmmcl.data._io import read_folder
from skmmcl.data._parts import agree, check_rows, collect, merge_names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike

    from numpy.typing import ArrayLike, DTypeLike
    from pandas import DataFrame


class MultimodalData(Content):
    """Named arrays of the same subjects.

    Subjects are the rows: they are what ``len(X)``, ``X.shape[0]`` and ``X[rows]`` mean, so that
    every splitter, search and scorer of scikit-learn takes it as ``X``. A slice shares the arrays
    it was cut from and holds only the numbers of its rows: cross-validation copies nothing.

    Parameters
    ----------
    modalities : mapping of str to array-like, optional
        The modalities by name; needed for names that are no Python words, and for the names
        ``meta``, ``index`` and ``mask``.
    meta : mapping, DataFrame or structured array, optional
        Side data of the subjects (site, age, ...), sliced along but no modality.
    index : array-like of shape (n_subjects,), optional
        Unique subject ids. By default those of the DataFrames given, if they have any.
    mask : mapping of str to bool array, or bool array of shape (n_subjects, n_modalities), optional
        True where a subject has a modality. Wholly-NaN rows are missing whatever it says.
    **arrays : array-like of shape (n_subjects, ...)
        Modalities as keywords: numpy arrays (also memory-mapped) of any number of dimensions,
        DataFrames, Series, lists of one array per subject (None if missing), or lazy array-likes
        with ``shape``, ``dtype`` and ``__getitem__(rows)``, such as those of
        :func:`~skmmcl.volumes.load_volumes`. Arrays are shared, never copied or written to.

    See Also
    --------
    skmmcl.data.as_multimodal : Make one from records, a mapping or a structured array.
    skmmcl.data.split_columns : Make one from the columns of a table.

    Examples
    --------
    >>> import numpy as np
    >>> from skmmcl.data import MultimodalData
    >>> X = MultimodalData(
    ...     fc=np.ones((3, 4, 4)),
    ...     clinical=[[31, 9], None, [28, 7]],
    ...     index=["s1", "s2", "s3"],
    ...     meta={"site": ["A", "B", "A"]},
    ... )
    >>> X
    MultimodalData: 3 subjects, 2 modalities
      fc        (3, 4, 4)  float64
      clinical  (3, 2)     float64  1 missing
      meta: site (2 values); index: s1 ... s3
    >>> X[X.meta["site"] == "A"]["clinical"]
    array([[31.,  9.],
           [28.,  7.]])
    """

    def __init__(
        self,
        modalities: Mapping[str, Any] | None = None,
        /,
        *,
        meta: Mapping[str, ArrayLike] | DataFrame | np.ndarray | None = None,
        index: ArrayLike | None = None,
        mask: Mapping[str, ArrayLike] | ArrayLike | None = None,
        **arrays: Any,
    ) -> None:
        self._fill(collect(merge_names(modalities, arrays), meta, index, mask))

    # ------------------------------------------------------------------ other ways to make one
    @classmethod
    def from_dataframe(
        cls,
        df: DataFrame,
        modalities: Mapping[str, Any],
        *,
        meta: str | Sequence[str] | None = None,
        index: str | None = None,
    ) -> Self:
        """Make a container from the columns of one table.

        Parameters
        ----------
        df : DataFrame of shape (n_subjects, n_columns)
            A table of pandas or polars.
        modalities : dict of str to column selector
            Columns of each modality, as in :func:`split_columns`.
        meta : str or list of str, optional
            Columns of side data, of any type.
        index : str, optional
            Column of subject ids; by default the index of a pandas table, if it is not 0, 1, ...

        Returns
        -------
        MultimodalData
            The modalities, side data and ids of the subjects.

        Examples
        --------
        >>> import pandas as pd
        >>> from skmmcl.data import MultimodalData
        >>> df = pd.DataFrame({"id": ["a", "b"], "fc_1": [0.1, 0.2], "fc_2": [0.3, 0.4], "iq": 99})
        >>> X = MultimodalData.from_dataframe(df, {"fc": "fc_*", "clinical": "iq"}, index="id")
        >>> X.columns
        {'fc': ['fc_1', 'fc_2'], 'clinical': ['iq']}
        """
        arrays, side, ids = read_table(df, modalities, meta, index)
        X = cls(arrays, meta=side, index=ids)
        if ids is not None and is_pandas(df):
            X._numbers = index_of(df)  # that of other columns of the table, such as y
        return X

    @classmethod
    def from_folder(
        cls,
        path: str | PathLike[str],
        *,
        meta: str | None = "participants",
        mmap_mode: Literal["r", "r+", "c"] | None = None,
        id_column: str | Mapping[str, str | None] | None = None,
        rows: Mapping[str, Any] | None = None,
        target: str | None = None,
    ) -> Self:
        r"""Make a container from a folder with one file per modality.

        Parameters
        ----------
        path : str or path-like
            Folder of tables (``<name>.csv``, ``.tsv``, ``.txt``, ``.xlsx``) and arrays (``.npy``,
            ``.npz``, ``.mat``, folders with one ``.npy``, or one matrix as text, per subject); each
            is a modality, and so is each sheet of a workbook. Where
            one table has identifiers, all rows are aligned by them; a subject that a table lacks
            lacks that modality. Other files are listed in a warning.
        meta : str or None, default="participants"
            Stem of the table that lists the subjects with their side data; ``meta`` is looked
            for too. None makes every file a modality.
        mmap_mode : {"r", "r+", "c"} or None, default=None
            How ``.npy`` files are memory-mapped; None reads them.
        id_column : str or dict of str to (str or None), optional
            Column of identifiers: one name for all tables, or names by the stems of their files
            with None for a table whose rows go by position. By default it is found by its name
            (``participant_id``, ``RID``, ``Subject ID``, ...) or by its values.
        rows : dict of str to object, optional
            Values that choose rows where tables have several per subject, as in ``{"session":
            "ses-01"}``; all tables that have the column are cut.
        target : str, optional
            Column that is to be predicted. It is no feature of any table; if the listing lacks
            it, it is taken into ``meta`` from the table that has it. Columns with the same
            information under another name are warned of.

        Returns
        -------
        MultimodalData
            The modalities in the order of their file names.

        Raises
        ------
        DataError
            If a file cannot be read, or if it is not clear who the rows of a table are.

        Warns
        -----
        UserWarning
            If identifiers are matched in spite of their spelling, if a table has subjects that
            the listing lacks, if a file is not read, if a feature equals the target, or if
            entries may not mean what they are read as: codes of missing values such as -999,
            row numbers, columns doubled by a join, side data that are text for a few entries,
            rows of totals, subjects that differ only in spelling, equal modalities, and columns
            that contradict the side data.

        Examples
        --------
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> import numpy as np
        >>> from skmmcl.data import MultimodalData
        >>> with TemporaryDirectory() as folder:
        ...     np.save(Path(folder, "fc.npy"), np.ones((2, 4, 4)))
        ...     _ = Path(folder, "clinical.csv").write_text("subject_id,iq\ns1,99\ns2,101\n")
        ...     MultimodalData.from_folder(folder)
        MultimodalData: 2 subjects, 2 modalities
          clinical  (2, 1)     int64
          fc        (2, 4, 4)  float64
          index: s1, s2
        """
        arrays, side, ids = read_folder(
            path, meta=meta, mmap_mode=mmap_mode, id_column=id_column, rows=rows, target=target
        )
        return cls(arrays, meta=side, index=ids)

    # ------------------------------------------------------------------------------ conversion
    def to_dict(self) -> dict[str, np.ndarray]:
        """Return the modalities as a plain dict.

        Returns
        -------
        dict of str to ndarray
            Rows of subjects without the modality are NaN; where they are so already, the array
            is shared.
        """
        return {name: blank(self[name], self._present(name)) for name in self._modalities}

    def assign(self, modalities: Mapping[str, Any] | None = None, /, **arrays: Any) -> Self:
        """Return the same subjects with some modalities replaced or added.

        Parameters
        ----------
        modalities : mapping of str to array-like, optional
            New arrays by name, with one row for each subject of this container.
        **arrays : array-like of shape (n_subjects, ...)
            The same, as keywords.

        Returns
        -------
        MultimodalData
            Side data, ids and the other modalities are kept. A replaced modality stays missing
            where it was.

        Examples
        --------
        >>> import numpy as np
        >>> from skmmcl.data import MultimodalData
        >>> X = MultimodalData(fc=np.full((2, 3), 0.5))
        >>> X.assign(fc_z=np.arctanh(X["fc"])).modalities
        ('fc', 'fc_z')
        """
        new = collect(merge_names(modalities, arrays), unique_ids=False)
        old = self._compact()
        counts = {"these subjects": len(self)}
        counts.update({name: len(m.array) for name, m in new.modalities.items()})
        check_rows(counts)
        ids = agree({"this container": old.ids, "the new modalities": new.ids})
        replaced = {
            name: m.restrict(self._present(name)) if name in self else m
            for name, m in new.modalities.items()
        }
        axis = new.axis if old.ids is None else old.axis
        modalities = {**old.modalities, **replaced}
        return self._from_parts(old._replace(modalities=modalities, ids=ids, axis=axis))

    def materialize(self) -> Self:
        """Return an independent container of these subjects only.

        Returns
        -------
        MultimodalData
            Its arrays are copies in memory (lazy ones stay lazy); pickle this one to ship or to
            store a small slice of a large cohort.
        """
        old = self._compact()
        copies = {name: m.copy() for name, m in old.modalities.items()}
        side = {name: values.copy() for name, values in old.meta.items()}
        ids = None if old.ids is None else old.ids.copy()
        return self._from_parts(old._replace(modalities=copies, ids=ids, meta=side))

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> np.ndarray:
        if copy is False:
            raise ValueError("The flat array of a MultimodalData is always a copy.")
        return flat_array(self, dtype)

    def __repr__(self) -> str:
        return text_repr(self)

    def _repr_html_(self) -> str:
        return html_repr(self)
