"""The image that the production-image workflow takes the collector from is the one that the stack deploys."""

import pytest

from infra import image
from tests.factories import STACKS, context


@pytest.mark.parametrize("stack", STACKS)
def test_the_printed_image_is_the_deployed_one_by_digest(stack: str, capsys: pytest.CaptureFixture[str]) -> None:
    image.main(stack)
    printed = capsys.readouterr().out.strip()
    assert printed == context(stack).settings.collector.image.reference
    assert "@sha256:" in printed
