"""Whether what is to be detected can be seen in the classes it is looked for in. Pure."""

import math
from collections.abc import Iterable, Iterator

from infra.model import Environment
from infra.policy.data_classes import DataClass, DataClasses
from infra.policy.detections import Detection, Detections
from infra.policy.severity import Severity
from infra.policy.thinning import Sampling
from infra.problems import Problem

FILE = "policy/detections.yaml"
FEWEST_KEPT = 20
"""Records that a threshold on a sampled class has to be worth: their number varies by its square root, so twice as many
or none at all are then no matter of chance."""
Found = Iterator[tuple[str, str, str]]


def problems_with(detections: Detections, classes: DataClasses) -> list[Problem]:
    """Return every count of an unknown class, and every count of different values in a class that is thinned out."""
    return [Problem(FILE, *item) for item in _found(detections, classes)]


def thinning(cls: DataClass) -> tuple[Sampling, ...]:
    """Return the sampling rules that drop records of severity INFO too, which is what events are logged at."""
    return tuple(rule for rule in cls.sampling if rule.below.number > Severity.INFO.number)


def kept_percent(cls: DataClass, environment: Environment) -> float:
    """Return how many of a hundred records of severity INFO are kept at least."""
    return min((rule.keep_percent.at(environment) for rule in thinning(cls)), default=100)


def _found(detections: Detections, classes: DataClasses) -> Found:
    for at, detection in enumerate(detections.detections):
        for name, count in detection.counts.items():
            key = f"detections.{at}.counts.{name}"
            cls = classes.classes.get(count.of)
            if cls is None:
                yield f"{key}.of", f"unknown class {count.of}", ", ".join(classes.classes)
            elif count.distinct and thinning(cls):
                # Numbers of records can be scaled to what was kept of them; numbers of different values cannot.
                whole = [other for other, item in classes.classes.items() if not thinning(item)]
                yield f"{key}.distinct", f"{count.of} is sampled", ", ".join(whole)
        yield from _too_few(at, detection, classes)


def _too_few(at: int, detection: Detection, classes: DataClasses) -> Found:
    """Yield the numbers of which, once a class is thinned out, too few are left to be told from chance."""
    for number, case in enumerate(detection.cases):
        for name, happened in case.at_least.items():
            cls = classes.classes.get(detection.counts[name].of)
            for environment in Environment if cls and thinning(cls) else ():
                kept = kept_percent(cls, environment) if cls else 100
                if kept < 100 and happened * kept / 100 < FEWEST_KEPT:
                    yield (
                        f"detections.{at}.cases.{number}.at_least.{name}",
                        f"in {environment} {kept:g} % are kept, about {happened * kept / 100:g} of them",
                        f"at least {math.ceil(FEWEST_KEPT * 100 / kept) if kept else 'a class that is kept'}",
                    )


def unknown_teams(detections: Detections, teams: Iterable[str]) -> list[Problem]:
    """Return every detection that tells somebody who is none of alerts.yaml's teams."""
    known = tuple(teams)
    return [
        Problem(FILE, f"detections.{at}.notify", f"unknown team {item.notify}", ", ".join(known))
        for at, item in enumerate(detections.detections)
        if item.notify not in known
    ]
