"""Asking the organization's choices in their order, until one answers.

When the next one stands in:

* the provider itself cannot answer (wrong key, unknown model, no credit, no answer that fits): the next, at once;
* it is too much for it, or it is away: the next *model* at once, since that is what a fallback is for. Built-in, which
  knows less, only on the Job's last try, or when the provider has been away for longer than our patience;
* the budget is used up: the next that costs no more than is left;
* it declines this very question: no other vendor is sent what one refused. Built-in sends nothing, so it may answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Generic, TypeVar, cast

from django.db import transaction
from pydantic import BaseModel

import providers.budget
import providers.services
from events.services import lease_in_hand
from lib.failures import TemporaryFailure
from providers import prices
from providers.adapters import adapter_for
from providers.adapters.base import ProviderError, Question
from providers.budget import OverBudget, Terms
from providers.gate import turns
from providers.gate.answering import Unusable, ask_and_repair, restored
from providers.gate.keeping import Known, Record, keep_answer, key_of, known_answer, shape_of
from providers.models import ModelCall, Outcome
from providers.prompts import Prompt, stored
from providers.redaction import Redactor
from providers.selectors import BUILT_IN, Choice, choices_for, names_of_people
from tenancy.waiting import let_go_of_connection

A = TypeVar("A", bound=BaseModel)


class NoUsableAnswer(Exception):
    """The provider cannot answer this question; nobody is helped by asking again before somebody changes something."""

    is_refusal = False


class StoppedByBudget(NoUsableAnswer):
    """The month's budget is used up; an Admin can raise it, or a new month begins."""


class _Refused(NoUsableAnswer):
    is_refusal = True


@dataclass(frozen=True)
class Answer(Generic[A]):
    """An answer and where it came from; `model` is empty for Built-in.

    `stood_in_because` says in a sentence why another than the first choice answered; empty where the first one did.
    """

    value: A
    is_built_in: bool
    model: str
    prompt_version: int
    model_call_id: int | None
    stood_in_because: str = ""


def ask(
    prompt: Prompt,
    *,
    answer: type[A],
    without_model: Callable[[], A],
    finding_id: int | None = None,
    project_id: int | None = None,
) -> Answer[A]:
    """Return the organization's model's answer, or what the step itself computes where there is no model.

    No transaction may be open, since none is held while a model thinks. Raises TemporaryFailure where a later try may
    help, StoppedByBudget or another NoUsableAnswer where not.
    """
    if prompt.answer is not answer:
        raise TypeError(f"{prompt.name} asks for {prompt.answer.__name__}, not {answer.__name__}")
    with transaction.atomic():
        choices = choices_for(prompt.name)
        people = () if _is_built_in(choices[0]) else names_of_people()
    if _is_built_in(choices[0]):
        return _built_in_answer(prompt, without_model(), failures=())
    question, redactor = _without_secrets(prompt, people)
    failures: list[_Failure] = []
    for choice in choices:
        if _is_built_in(choice):
            if _may_still_pass(failures):
                continue
            return _built_in_answer(prompt, without_model(), failures=failures)
        if any(failure.is_refusal for failure in failures):
            continue
        try:
            value, model, call = _answer_of(
                choice,
                prompt=prompt,
                question=question,
                redactor=redactor,
                is_fallback=bool(failures),
                finding_id=finding_id,
                project_id=project_id,
            )
        except (NoUsableAnswer, TemporaryFailure) as problem:
            failures.append(_Failure(choice, problem))
            continue
        return Answer(
            value=restored(cast(A, value), redactor),
            is_built_in=False,
            model=model,
            prompt_version=prompt.version,
            model_call_id=call.pk,
            stood_in_because=_in_a_sentence(failures),
        )
    raise _outcome_of(failures) from None


def ask_or_stand_in(
    prompt: Prompt,
    *,
    answer: type[A],
    without_model: Callable[[], A],
    finding_id: int | None = None,
    project_id: int | None = None,
) -> Answer[A]:
    """Ask as `ask` does, for a step where Built-in's answer is better than none when the month's money is used up."""
    try:
        return ask(
            prompt,
            answer=answer,
            without_model=without_model,
            finding_id=finding_id,
            project_id=project_id,
        )
    except StoppedByBudget as stop:
        return built_in_answer(prompt, without_model(), because=str(stop))


def as_sent(prompt: Prompt) -> tuple[Question, Redactor]:
    """Return a prompt as it leaves the house, and what took the hidden values out of it."""
    return _without_secrets(prompt, names_of_people())


def _without_secrets(prompt: Prompt, people: tuple[str, ...]) -> tuple[Question, Redactor]:
    redactor = Redactor(people=people)
    question = Question(
        system=prompt.system,  # ours alone: no prompt puts a variable there, says a contract test
        user=redactor.hide(prompt.user),
        answer=prompt.answer,
        max_output_tokens=prompt.max_output_tokens,
    )
    return question, redactor


def ask_again(waiting: ModelCall, *, choice: Choice) -> ModelCall:
    """Send the stored texts of a waiting request to one choice, and keep the answer in that row; never in the cache.

    The texts are redacted already, and go as they are; nobody stands in. Raises as `ask` does.
    """
    prompt = stored(
        name=waiting.prompt_name, version=waiting.prompt_version, system=waiting.system_text, user=waiting.user_text
    )
    question = Question(
        system=prompt.system, user=prompt.user, answer=prompt.answer, max_output_tokens=prompt.max_output_tokens
    )
    with transaction.atomic():
        tariff = prices.tariff_of(choice)
        terms = providers.budget.terms()
    record = Record(
        prompt=prompt,
        choice=choice,
        question=question,
        redactor=Redactor(),
        finding_id=waiting.finding_id,
        project_id=waiting.project_id,
        is_fallback=False,
        tariff=tariff,
        row=waiting,
    )
    _, _, call = _new_answer(record, terms, key=None)
    return call


def highest_cost(question: Question, tariff: prices.Tariff) -> Decimal:
    """Return what a question can cost at most, in US dollars."""
    texts = [question.system, question.user, shape_of(question.answer)]
    texts += [text for turn in question.earlier for text in (turn.answer, turn.objection)]
    return tariff.rate().cost(input_tokens=prices.most_tokens_in(*texts), output_tokens=question.max_output_tokens)


def built_in_answer(prompt: Prompt, value: A, *, because: str) -> Answer[A]:
    """Return what a step computed itself as an answer that stands in for the model's."""
    return Answer(
        value=value,
        is_built_in=True,
        model="",
        prompt_version=prompt.version,
        model_call_id=None,
        stood_in_because=because,
    )


# --- Which of them answers --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Failure:
    choice: Choice
    problem: NoUsableAnswer | TemporaryFailure

    @property
    def is_refusal(self) -> bool:
        return isinstance(self.problem, NoUsableAnswer) and self.problem.is_refusal


def _is_built_in(choice: Choice) -> bool:
    return choice.adapter == BUILT_IN.adapter


def _built_in_answer(prompt: Prompt, value: A, *, failures: Sequence[_Failure]) -> Answer[A]:
    return built_in_answer(prompt, value, because=_in_a_sentence(failures))


def _may_still_pass(failures: Sequence[_Failure]) -> bool:
    """Tell whether waiting is better than Built-in: something is only busy or away, and this is not the last try."""
    lease = lease_in_hand()
    is_last_try = lease is not None and lease.is_last_attempt
    for failure in failures:
        if isinstance(failure.problem, TemporaryFailure) and not (is_last_try and failure.problem.spends_attempt):
            return True
    return False


def _in_a_sentence(failures: Sequence[_Failure]) -> str:
    return "; ".join(f"{failure.choice.label} could not: {failure.problem}" for failure in failures)[:400]


def _outcome_of(failures: Sequence[_Failure]) -> NoUsableAnswer | TemporaryFailure:
    """Return what the asker is to be told when none of the choices has answered."""
    passing = [failure.problem for failure in failures if isinstance(failure.problem, TemporaryFailure)]
    if passing:
        waits = [problem.retry_after_seconds for problem in passing if problem.retry_after_seconds is not None]
        return TemporaryFailure(
            _words_of(failures),
            retry_after_seconds=min(waits) if waits else None,
            spends_attempt=all(problem.spends_attempt for problem in passing),
        )
    if any(isinstance(failure.problem, StoppedByBudget) for failure in failures):
        return StoppedByBudget(_words_of(failures))
    return NoUsableAnswer(_words_of(failures))


def _words_of(failures: Sequence[_Failure]) -> str:
    if len(failures) == 1:
        return str(failures[0].problem)
    return " ".join(f"{failure.choice.label}: {failure.problem}" for failure in failures)


# --- One of them ------------------------------------------------------------------------------------------------------


def _answer_of(
    choice: Choice,
    *,
    prompt: Prompt,
    question: Question,
    redactor: Redactor,
    is_fallback: bool,
    finding_id: int | None,
    project_id: int | None,
) -> tuple[BaseModel, str, ModelCall]:
    key = key_of(prompt, choice, question)
    with transaction.atomic():
        known = known_answer(key, question.answer)
        tariff = prices.tariff_of(choice)
        terms = providers.budget.terms()
    record = Record(
        prompt=prompt,
        choice=choice,
        question=question,
        redactor=redactor,
        finding_id=finding_id,
        project_id=project_id,
        is_fallback=is_fallback,
        tariff=tariff,
    )
    if known is not None:
        return _reuse(record, known)
    return _new_answer(record, terms, key=key)


def _new_answer(record: Record, terms: Terms, *, key: bytes | None) -> tuple[BaseModel, str, ModelCall]:
    """Ask for an answer, and keep it for reuse under the key, if there is one."""
    choice = record.choice
    turn = _turn_at(choice)
    _hold_money(record, terms)
    try:
        answer = _call(record, key)
    finally:
        # Whatever went wrong in a way that nobody foresaw: the money is free again.
        if record.allowance is not None:
            providers.budget.release(record.allowance)
    if turn.is_after_trouble:
        turns.note_answer(choice)
    if record.tariff.had_problem and choice.connection_id is not None:
        providers.services.note_success(choice.connection_id)
    return answer


def _reuse(record: Record, known: Known) -> tuple[BaseModel, str, ModelCall]:
    call = record.keep(Outcome.REUSED, model=known.model, reply_text=known.value.model_dump_json(), saved=known.cost)
    return known.value, known.model, call


def _turn_at(choice: Choice) -> turns.Turn:
    try:
        return turns.wait_for_turn(choice)
    except TemporaryFailure as not_yet:
        raise _for_good_if_away(choice, not_yet) from None


def _for_good_if_away(choice: Choice, failure: TemporaryFailure) -> NoUsableAnswer | TemporaryFailure:
    minutes = turns.minutes_away(choice)
    if minutes is None:
        return failure
    return NoUsableAnswer(f"It has given no answer for {minutes} minutes ({failure}).")


def _hold_money(record: Record, terms: Terms) -> None:
    amount = highest_cost(record.question, record.tariff)
    try:
        record.allowance = providers.budget.reserve(amount, under=terms)
    except OverBudget as stop:
        record.keep(Outcome.STOPPED, error=str(stop))
        providers.budget.note_stop(terms)
        raise StoppedByBudget(f"The month's budget is used up: {stop}.") from None


def _call(record: Record, key: bytes | None) -> tuple[BaseModel, str, ModelCall]:
    def before_try(question: Question) -> None:
        if record.attempts and record.allowance is not None:
            providers.budget.extend(record.allowance, highest_cost(question, record.tariff))
        record.begin_try()
        let_go_of_connection()

    # `from None` below: what a vendor's exception says may hold the key or the code, and must not reach a log.
    try:
        adapter = adapter_for(record.choice.adapter, record.choice.credentials)
        value, reply = ask_and_repair(adapter, record.question, before_try=before_try, on_reply=record.count)
    except ProviderError as error:
        raise _failed(record, error) from None
    except Unusable as unusable:
        record.keep(Outcome.UNUSABLE, reply_text=unusable.text, error=str(unusable))
        raise NoUsableAnswer(f"The model's answer could not be used: {unusable}") from None
    except OverBudget as stop:
        record.keep(Outcome.UNUSABLE, error=str(stop))
        raise StoppedByBudget(f"The model's first answer could not be used, and {stop}.") from None
    with transaction.atomic():
        call = record.keep(Outcome.ANSWERED, model=reply.model, reply_text=reply.text)
        if key is not None:
            keep_answer(key, value, call)
    return value, call.model, call


def _failed(record: Record, error: ProviderError) -> NoUsableAnswer | TemporaryFailure:
    """Keep what happened, and return what the asker is to be told."""
    # A server may repeat what it was sent.
    message = record.choice.credentials.hidden_in(str(error))
    record.keep(Outcome.REFUSED if error.refused else Outcome.FAILED, error=message)
    if error.refused:
        return _Refused(message)
    if error.permanent:
        # What says which field of the connection is wrong is not about this question alone.
        if error.about and record.choice.connection_id is not None:
            providers.services.note_problem(record.choice.connection_id, problem=message)
        return NoUsableAnswer(message)
    wait = error.retry_after_seconds
    if error.is_rate_limit:
        wait = wait or turns.USUAL_PAUSE_SECONDS
    turns.note_trouble(record.choice, pause_seconds=wait)
    failure = TemporaryFailure(message, retry_after_seconds=turns.spread(wait), spends_attempt=not error.is_rate_limit)
    return _for_good_if_away(record.choice, failure)
