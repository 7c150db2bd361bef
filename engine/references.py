"""Checks across rows and tables: keys that repeat, names that lead nowhere, columns that exclude."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from engine.columns import Flags, flags, no_flags
from engine.errors import Place, shown
from engine.kinds import Column, TableSchema


def check_key(schema: TableSchema, columns: dict[str, pa.Array], bad: Flags, place: Place) -> None:
    """Report rows whose key an earlier row has; rows marked in ``bad`` are left out."""
    keys = [columns[name] for name in schema.key]
    rows = np.flatnonzero(~bad)
    codes = _combined_codes([_codes(key) for key in keys])[rows]
    if not _has_repeats(codes):
        return
    order = np.argsort(codes, kind="stable")
    again = np.concatenate(([False], codes[order][1:] == codes[order][:-1]))
    first = rows[order[np.maximum.accumulate(np.where(again, 0, np.arange(len(order))))]]
    repeats = no_flags(len(bad))
    repeats[rows[order[again]]] = True
    first_of = np.zeros(len(bad), dtype=np.int64)
    first_of[rows[order]] = first

    place.report_rows(
        repeats,
        lambda index: ", ".join(shown(key[index].as_py()) for key in keys),
        lambda index: f"a key that is not in row {place.row_number(int(first_of[index]))} already",
    )


def _codes(values: pa.Array) -> tuple[NDArray[np.int64], int]:
    """Return a small integer for each distinct value, null included, and how many there are."""
    encoded = values.dictionary_encode(null_encoding="encode")
    return encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64), len(encoded.dictionary)


def _combined_codes(parts: list[tuple[NDArray[np.int64], int]]) -> NDArray[np.int64]:
    codes, n_codes = parts[0]
    for more, n_more in parts[1:]:
        if n_codes * n_more >= 2**62:
            distinct, codes = np.unique(codes, return_inverse=True)
            n_codes = len(distinct)
        codes, n_codes = codes * n_more + more, n_codes * n_more
    return codes


def _has_repeats(codes: NDArray[np.int64]) -> bool:
    in_order = np.sort(codes)
    return bool((in_order[1:] == in_order[:-1]).any())


def check_reference(column: Column, values: pa.Array, targets: pa.Array, bad: Flags, place: Place) -> None:
    """Report values, or words in them, that the table they name does not list."""
    assert column.refers_to is not None
    table, target = column.refers_to
    expected = f"{'an' if target[0] in 'aeiou' else 'a'} {target} of {table}"
    if column.kind == "words":
        _check_words(values, targets, bad, place, expected)
        return
    dangling = flags(values.is_valid()) & ~bad & ~flags(pc.is_in(values, value_set=targets))
    place.report_rows(dangling, lambda index: shown(values[index].as_py()), expected)


def _check_words(texts: pa.Array, targets: pa.Array, bad: Flags, place: Place, expected: str) -> None:
    encoded = texts.dictionary_encode()
    split = pc.split_pattern(encoded.dictionary, " ")
    words, parents = pc.list_flatten(split), pc.list_parent_indices(split)
    unknown = ~flags(pc.or_(pc.is_in(words, value_set=targets), pc.equal(words, "")))
    if not unknown.any():
        return
    wrong_texts, first_words = np.unique(parents.to_numpy()[unknown], return_index=True)
    first_word = np.full(len(encoded.dictionary), -1)
    first_word[wrong_texts] = np.flatnonzero(unknown)[first_words]
    word_of_row = np.full(len(texts), -1)
    given = flags(texts.is_valid())
    word_of_row[given] = first_word[encoded.indices.drop_null().to_numpy()]
    place.report_rows((word_of_row >= 0) & ~bad, lambda index: shown(words[int(word_of_row[index])].as_py()), expected)


def check_one_of(schema: TableSchema, columns: dict[str, pa.Array], bad: Flags, place: Place) -> None:
    """Report rows that do not have exactly one of the columns that exclude each other."""
    given = np.sum([flags(columns[name].is_valid()) for name in schema.one_of], axis=0)
    names = " and ".join(schema.one_of)
    expected = f"exactly one of {names}"
    place.report_rows((given == 0) & ~bad, lambda _: f"neither of {names}", expected)
    place.report_rows((given > 1) & ~bad, lambda _: f"both {names}", expected)
