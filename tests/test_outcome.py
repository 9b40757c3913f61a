"""What tasks can end in, and that the outcomes add up."""

from __future__ import annotations

import pickle
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nunatak.pipeline import errors
from nunatak.pipeline.errors import NunatakError, ReadError
from nunatak.pipeline.outcome import Outcome, Status, TaskFailedError, count_statuses, outcome_table, summary

OK = Outcome(
    "ATL03_a.h5", "gt1l", "/x/ATL03_a.h5", Status.OK, rows=7, photons=100, photons_kept=90, notes=("one", "two")
)
FAILED = Outcome(
    "ATL03_b.h5", "gt2r", "/x/ATL03_b.h5", Status.FAILED, kind="corrupt", message="a chunk", dataset="gt2r/heights/h_ph"
)

outcomes = st.lists(
    st.builds(
        Outcome,
        granule=st.sampled_from(["a", "b"]),
        beam=st.sampled_from(["gt1l", "gt3r"]),
        address=st.just("/x"),
        status=st.sampled_from(Status),
        kind=st.sampled_from(["", "io", "corrupt"]),
        rows=st.integers(0, 10),
        notes=st.lists(st.sampled_from(["x", "y"])).map(tuple),
    )
)


@given(outcomes)
def test_counts_add_up(given_outcomes: list[Outcome]) -> None:
    counts = count_statuses(given_outcomes)
    assert list(counts) == ["ok", "empty", "absent", "failed"]
    assert sum(counts.values()) == len(given_outcomes)
    assert counts["failed"] == sum(outcome.failed for outcome in given_outcomes)


@given(outcomes)
def test_the_table_has_a_row_a_task_and_the_same_types_without_any(given_outcomes: list[Outcome]) -> None:
    table = outcome_table(given_outcomes)
    assert len(table) == len(given_outcomes)
    assert table.dtypes.equals(outcome_table([]).dtypes)
    assert table["status"].tolist() == [str(outcome.status) for outcome in given_outcomes]
    assert table["notes"].tolist() == ["; ".join(outcome.notes) for outcome in given_outcomes]


@given(outcomes)
def test_the_summary_counts_every_failure(given_outcomes: list[Outcome]) -> None:
    text = summary(given_outcomes, 2)
    told = sum(int(line.split("): ")[1].split(",")[0]) for line in text.splitlines() if line.startswith("failed ("))
    assert told == count_statuses(given_outcomes)["failed"]


def test_the_summary_in_words() -> None:
    assert summary([OK, FAILED, replace(FAILED, beam="gt3r")], 2).splitlines() == [
        "2 granules, 3 tasks: 1 ok, 0 empty, 0 absent, 2 failed",
        "failed (corrupt): 2, first ATL03_b.h5 gt2r: a chunk",
        "notes on 1 tasks, first ATL03_a.h5 gt1l: one; two",
    ]


def test_wall_time_is_not_compared() -> None:
    assert replace(OK, read_seconds=1.0, compute_seconds=2.0) == OK
    assert replace(OK, rows=8) != OK


def test_a_failed_task_says_all_that_is_known() -> None:
    error = TaskFailedError(replace(FAILED, detail="Traceback ..."))
    assert str(error).startswith("ATL03_b.h5 gt2r failed (corrupt): a chunk")
    assert 'on_error="collect"' in str(error)
    assert str(error).endswith("Traceback ...")
    assert error.kind == "task_failed"


def test_outcomes_and_errors_travel_between_processes() -> None:
    assert pickle.loads(pickle.dumps(OK)) == OK
    copy = pickle.loads(pickle.dumps(TaskFailedError(FAILED)))
    assert copy.outcome == FAILED
    assert str(copy) == str(TaskFailedError(FAILED))


def all_errors(base: type[NunatakError] = NunatakError) -> list[type[NunatakError]]:
    return [base, *(error for child in base.__subclasses__() for error in all_errors(child))]


def test_every_error_has_a_kind_of_its_own() -> None:
    mine = [error for error in all_errors() if error.__module__.startswith("nunatak.pipeline.errors")]
    kinds = [error.kind for error in mine]
    assert sorted(kinds) == sorted(set(kinds))


@pytest.mark.parametrize("kind", ReadError.__subclasses__())
def test_read_errors_say_where_and_travel(kind: type[ReadError]) -> None:
    error = kind("too short", "/x/a.h5", "gt1l", "gt1l/heights/h_ph")
    assert str(error) == "/x/a.h5, beam gt1l, dataset gt1l/heights/h_ph: too short"
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is kind
    assert vars(copy) == vars(error)
    assert str(kind("gone", "/x/a.h5")) == "/x/a.h5: gone"


def test_what_is_worth_another_try() -> None:
    assert {error for error in all_errors() if getattr(error, "transient", False)} >= {errors.InputOutputError}
    assert not errors.CorruptError.transient
