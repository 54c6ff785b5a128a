"""API answers about the webhook."""

from pydantic import Field

from app.core.answers import Answer, AnswerPart, TextOrNull, Time
from app.core.webhook.notifications import WebhookEvent


class DeliveryShown(AnswerPart):
    """The outcome of one message."""

    at: Time
    event: WebhookEvent
    deployment_id: str = Field(description="Empty for test messages.")
    name: str = Field(description="The deployment's name when the message was sent.")
    ok: bool = Field(description="Whether the receiver accepted the message.")
    words: str = Field(
        description="The receiver's response, or why the receiver could not be reached."
    )
    tries: int
    milliseconds: int = Field(description="Duration of the last try.")


class WebhookAnswer(Answer):
    """The receiver and the last twenty deliveries, the latest first."""

    host: TextOrNull = Field(
        None, description="The host of the receiver's address; null if messages are off."
    )
    waiting: int = Field(0, description="How many messages are still to be sent.")
    dropped: int = Field(
        0, description="How many messages were lost since the last successful delivery."
    )
    trouble: TextOrNull = Field(
        None, description="Why the first waiting message could not be delivered yet."
    )
    deliveries: list[DeliveryShown] = Field([])
