"""Forgetting what was asked and answered."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from providers.models import CachedAnswer, ModelCall

BATCH = 500


def forget_texts(*, older_than: datetime) -> int:
    """Remove the texts of requests made before a time, and the answers that were kept for reuse. Returns how many.

    What a request cost, how long it took and who answered stay. Works in batches, each a transaction of its own.
    """
    count = 0
    while True:
        with transaction.atomic():
            old = ModelCall.objects.filter(created_at__lt=older_than, texts_removed_at=None)
            some = list(old.order_by("created_at").values_list("pk", flat=True)[:BATCH])
            # A replay holds the same old question, so it goes with what it repeats.
            ModelCall.objects.filter(Q(pk__in=some) | Q(replay_of__in=some), texts_removed_at=None).update(
                system_text="", user_text="", reply_text="", texts_removed_at=timezone.now()
            )
        count += len(some)
        if len(some) < BATCH:
            break
    while True:
        with transaction.atomic():
            old_answers = CachedAnswer.objects.filter(created_at__lt=older_than).order_by("created_at")
            answers = list(old_answers.values_list("pk", flat=True)[:BATCH])
            CachedAnswer.objects.filter(pk__in=answers).delete()
        count += len(answers)
        if len(answers) < BATCH:
            return count
