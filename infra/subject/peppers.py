"""The keys of pseudonyms, by epoch: the current one and the earlier ones that are kept."""

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from infra.context import Context
from infra.secrets import CURRENT_EPOCH, pepper_secret
from infra.subject.errors import SubjectError

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


def peppers(client: "SecretsManagerClient", context: Context) -> dict[str, str]:
    """Return epoch -> key, the current one first. Raises SubjectError that names the secret that cannot be read.

    A pseudonym that cannot be recomputed would go missing without a word, so one key too few stops the request.
    """
    found: dict[str, str] = {}
    for epoch in (CURRENT_EPOCH, *context.settings.pepper_epochs):
        name = context.secret(pepper_secret(epoch))
        try:
            found[epoch] = client.get_secret_value(SecretId=name)["SecretString"]
        except ClientError as error:
            code = error.response["Error"]["Code"]
            raise SubjectError(
                f"{name} (pepper epoch {epoch}) cannot be read ({code}): it takes secretsmanager:GetSecretValue, as the "
                f"role {context.name('subject-requests')} has it; an epoch that was dropped leaves pepper_epochs first"
            ) from None
        except BotoCoreError as error:
            raise SubjectError(f"{name} cannot be read ({type(error).__name__})") from None
    return found
