"""Whether what is to be detected can be seen in the classes it is looked for in. Pure."""

from collections.abc import Iterable, Iterator

from infra.policy.data_classes import DataClass, DataClasses, Sampling, Severity
from infra.policy.detections import Detections
from infra.problems import Problem

FILE = "policy/detections.yaml"


def problems_with(detections: Detections, classes: DataClasses) -> list[Problem]:
    """Return every count of an unknown class, and every count of different values in a class that is thinned out."""
    return [Problem(FILE, *item) for item in _found(detections, classes)]


def thinning(cls: DataClass) -> tuple[Sampling, ...]:
    """Return the sampling rules that drop records of severity INFO too, which is what events are logged at."""
    return tuple(rule for rule in cls.sampling if rule.below.number > Severity.INFO.number)


def _found(detections: Detections, classes: DataClasses) -> Iterator[tuple[str, str, str]]:
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


def unknown_teams(detections: Detections, teams: Iterable[str]) -> list[Problem]:
    """Return every detection that tells somebody who is none of alerts.yaml's teams."""
    known = tuple(teams)
    return [
        Problem(FILE, f"detections.{at}.notify", f"unknown team {item.notify}", ", ".join(known))
        for at, item in enumerate(detections.detections)
        if item.notify not in known
    ]
