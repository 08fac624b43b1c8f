"""Reading policy/*.yaml into one frozen `Policy`, or saying everything that is wrong with it."""

import datetime
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from infra.model import Model
from infra.policy import archive_objects_against_alerts, budgets_against_classes, detections_against_classes
from infra.policy.alerts import Alerts
from infra.policy.budgets import Budgets
from infra.policy.data_classes import DataClasses
from infra.policy.detections import Detections
from infra.policy.exceptions import Exceptions
from infra.policy.objectives import Objectives
from infra.policy.redaction import Redaction
from infra.problems import InputError, Problem, from_validation
from infra.yaml_file import read_yaml

M = TypeVar("M", bound=Model)

RUNBOOKS = Path(__file__).parents[2] / "docs" / "runbooks"
"""Where the runbook of each alert is."""
FILES: dict[str, type[Model]] = {
    "data_classes.yaml": DataClasses,
    "redaction.yaml": Redaction,
    "exceptions.yaml": Exceptions,
    "budgets.yaml": Budgets,
    "detections.yaml": Detections,
    "objectives.yaml": Objectives,
    "alerts.yaml": Alerts,
}
"""Every policy file and the model it must fit; JSON Schemas are made from the same table."""


@dataclass(frozen=True)
class Policy:
    """Everything the reviewers decided, checked."""

    data_classes: DataClasses
    redaction: Redaction
    exceptions: Exceptions
    budgets: Budgets
    detections: Detections
    objectives: Objectives
    alerts: Alerts
    digest: str
    """SHA-256 over the files, so that a resource can say which policy it came from."""


def load_policy(directory: Path, today: datetime.date, runbooks: Path = RUNBOOKS) -> Policy:
    """Return the policy in `directory`.

    Raises InputError with every problem found, among them exceptions that are past their expiry on `today`,
    redaction rules that name unknown classes, budgets and detections that do not fit the classes, and alerts and
    detections without a file in `runbooks`.
    """
    problems: list[Problem] = []
    data_classes = _load(directory / "data_classes.yaml", DataClasses, problems)
    redaction = _load(directory / "redaction.yaml", Redaction, problems)
    exceptions = _load(directory / "exceptions.yaml", Exceptions, problems)
    budgets = _load(directory / "budgets.yaml", Budgets, problems)
    detections = _load(directory / "detections.yaml", Detections, problems)
    objectives = _load(directory / "objectives.yaml", Objectives, problems)
    if exceptions:
        problems += [
            Problem(
                "policy/exceptions.yaml",
                f"exceptions.{at}.expires",
                f"the exception {item.checker} {item.finding} of {item.owner} expired on {item.expires}",
                "mend the finding, or renew the exception with its owner and a later date",
            )
            for at, item in exceptions.expired(today)
        ]
    if data_classes and redaction:
        problems += [
            Problem(
                "policy/redaction.yaml",
                f"rules.{rule.name}.classes",
                f"unknown class {name}",
                ", ".join(data_classes.classes),
            )
            for rule in redaction.rules
            for name in rule.classes
            if name not in data_classes.classes
        ]
    if data_classes and budgets:
        problems += budgets_against_classes.problems_with(budgets, data_classes)
    if data_classes and detections:
        problems += detections_against_classes.problems_with(detections, data_classes)
    alerts = _load(directory / "alerts.yaml", Alerts, problems)
    if alerts:
        problems += [
            Problem("policy/alerts.yaml", f"alerts.{name}", "has no runbook", alerts.runbook(name))
            for name in alerts.alerts
            if not (runbooks / f"{name}.md").is_file()
        ]
    if alerts and data_classes:
        problems += archive_objects_against_alerts.problems_with(data_classes.archive_objects, alerts)
    if detections:
        problems += [
            Problem("policy/detections.yaml", f"detections.{at}", f"{item.name} has no runbook", item.runbook)
            for at, item in enumerate(detections.detections)
            if not (runbooks / f"{item.name}.md").is_file()
        ]
    if alerts and detections:
        problems += detections_against_classes.unknown_teams(detections, alerts.teams)
    if problems or not (data_classes and redaction and exceptions and budgets and detections and objectives and alerts):
        raise InputError(problems)
    return Policy(
        data_classes, redaction, exceptions, budgets, detections, objectives, alerts, digest=_digest(directory)
    )


def _load(path: Path, model: type[M], problems: list[Problem]) -> M | None:
    file = f"policy/{path.name}"
    try:
        return model.model_validate(read_yaml(path, file))
    except ValidationError as error:
        problems += from_validation(file, error)
    except InputError as error:
        problems += error.problems
    return None


def _digest(directory: Path) -> str:
    digest = hashlib.sha256()
    for name in sorted(FILES):
        digest.update(name.encode() + b"\0" + (directory / name).read_bytes() + b"\0")
    return digest.hexdigest()
