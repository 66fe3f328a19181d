"""Counts that were accepted, in a file, and how new ones compare with them."""

import tomllib
from dataclasses import dataclass

FIGURES = ("instructions", "allocations")
HEADER = """\
# What one request may cost, as `bench/instructions` counts it and, with --keep, writes it here.
# More than the tolerance above a number fails. One that went down is written again, so that it
# stays down.
"""


@dataclass(frozen=True)
class KeptCounts:
    """Counts of each case, by its name, for one way of building the program."""

    tolerance_percent: float
    # Profile, case, figure.
    profiles: dict

    @classmethod
    def read(cls, path):
        table = tomllib.loads(path.read_text())
        return cls(table.pop("tolerance_percent"), table)

    def replaced(self, profile, measured):
        """The same with what was measured; cases that were not stay."""
        cases = self.profiles.get(profile, {}) | measured
        return KeptCounts(self.tolerance_percent, self.profiles | {profile: cases})

    def write(self, path):
        lines = [HEADER, f"tolerance_percent = {self.tolerance_percent}"]
        for profile, cases in self.profiles.items():
            for case, figures in cases.items():
                lines += ["", f'[{profile}."{case}"]']
                lines += [f"{figure} = {figures[figure]:_}" for figure in FIGURES]
        path.write_text("\n".join(lines) + "\n")

    def compare(self, profile, measured):
        """What is too much, and what became so little that it should be kept."""
        faults, savings = [], []
        kept = self.profiles.get(profile, {})
        for case, figures in measured.items():
            if case not in kept:
                faults.append(f"{case}: nothing is kept for it; `bench/instructions --keep` does")
                continue
            for figure in FIGURES:
                percent = difference_percent(kept[case][figure], figures[figure])
                told = (
                    f"{case}: {figures[figure]:,} {figure}, {kept[case][figure]:,} are kept:"
                    f" {percent:+.1f} %"
                )
                if percent > self.tolerance_percent:
                    faults.append(f"{told}, and {self.tolerance_percent} % are allowed")
                elif percent < -self.tolerance_percent:
                    savings.append(f"{told}; `bench/instructions --keep` lowers what is kept")
        return faults, savings


def difference_percent(kept, measured):
    return (measured - kept) / max(kept, 1) * 100
