"""The count of instructions (bench/instructions): what it reads of callgrind, and when it fails."""

import pytest
from callgrind import read_profile
from kept_counts import KeptCounts

# Names have numbers; a line after `calls=` is what the call cost, in it and below.
DUMP = """\
# callgrind format
version: 1
positions: line
events: Ir

ob=(1) /opt/budgetguard
fl=(1) src/gateway/admit.rs
fn=(1) budgetguard::gateway::admit
10 100
fi=(2) /rustc/1/library/core/src/option.rs
+5 20
fe=(1)
-3 7
cfi=(3) mimalloc/src/alloc.c
cfn=(2) mi_malloc_aligned
calls=3 50
* 90

fl=(3)
fn=(2)
50 60
cfn=(3) mi_malloc
calls=3 70
+1 30

fn=(3)
70 30

fl=(4) sqlite3.c
fn=(4) sqlite3MemMalloc'2
1 5
cob=(2) /lib/libc.so.6
cfi=(5) ???
cfn=(5) malloc
calls=2 0
1 40

totals: 262
"""
KEPT = KeptCounts(5, {"debug": {"json": {"instructions": 1_000_000, "allocations": 200}}})


@pytest.fixture
def profile(tmp_path):
    file = tmp_path / "callgrind.out.1"
    file.write_text(DUMP)
    return read_profile(file)


def room_of(file):
    rooms = {"src/gateway/admit.rs": "gateway", "sqlite3.c": "SQLite"}
    return rooms.get(file)


def test_instructions_are_of_the_file_that_they_stand_in(profile):
    by_file = profile.by_room(lambda file: file)
    assert by_file == {
        "src/gateway/admit.rs": 107,
        "/rustc/1/library/core/src/option.rs": 20,
        "mimalloc/src/alloc.c": 90,
        "sqlite3.c": 5,
        None: 0,
    }


def test_what_is_in_no_room_is_of_its_callers(profile):
    assert profile.by_room(room_of) == {"gateway": 107 + 20 + 90, "SQLite": 5, None: 0}


def test_what_nobody_calls_is_in_no_room(profile):
    assert profile.by_room(lambda _: None) == {None: 222}


def test_allocations_are_calls_from_outside_of_the_allocator(profile):
    assert profile.allocations == {"budgetguard::gateway::admit": 3, "sqlite3MemMalloc": 2}


@pytest.mark.parametrize(
    "figures, faults, savings",
    [
        ({"instructions": 1_050_000, "allocations": 190}, [], []),
        ({"instructions": 1_051_000, "allocations": 200}, ["instructions"], []),
        ({"instructions": 1_000_000, "allocations": 211}, ["allocations"], []),
        ({"instructions": 949_000, "allocations": 200}, [], ["instructions"]),
        ({"instructions": 949_000, "allocations": 211}, ["allocations"], ["instructions"]),
    ],
)
def test_only_more_than_the_tolerance_fails(figures, faults, savings):
    found = KEPT.compare("debug", {"json": figures})
    for told, expected in zip(found, (faults, savings), strict=True):
        assert len(told) == len(expected)
        for line, figure in zip(told, expected, strict=True):
            assert line.startswith(f"json: {figures[figure]:,} {figure}, ")


def test_a_fault_names_case_kept_measured_and_difference():
    [fault], _ = KEPT.compare("debug", {"json": {"instructions": 1_100_000, "allocations": 200}})
    assert fault == (
        "json: 1,100,000 instructions, 1,000,000 are kept: +10.0 %, and 5 % are allowed"
    )


def test_a_case_that_nothing_is_kept_for_fails():
    faults, _ = KEPT.compare("debug", {"other": {"instructions": 1, "allocations": 1}})
    assert faults == ["other: nothing is kept for it; `bench/instructions --keep` does"]


def test_what_is_kept_is_read_as_it_was_written(tmp_path):
    file = tmp_path / "instructions.toml"
    kept = KEPT.replaced("debug", {"stream of 64": {"instructions": 7, "allocations": 0}})
    kept.write(file)
    assert KeptCounts.read(file) == kept
    assert set(kept.profiles["debug"]) == {"json", "stream of 64"}
