"""Judging findings: what is put up for analysis, verdicts with checked evidence, component tags, feedback."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

import findings.selectors
import findings.services
import memories.services
import providers.gate
from events.kinds import ASSISTANT, Actor, Kind
from events.services import lease_in_hand, record, result_of_job
from findings.models import AnalysisState, Finding, IgnoreReason, NotAnalysed, Recommendation, Triage
from lib.failures import TemporaryFailure
from memories.models import Memory
from orgs.models import Project
from orgs.services import actor_of
from providers.gate import Answer, NoUsableAnswer, StoppedByBudget
from triage import evidence, facts, injection, second_vote, taught
from triage.answers import ComponentAnswer, Conclusion, Confidence, SecondVoteAnswer, VerdictAnswer
from triage.answers import Verdict as VerdictValue
from triage.asking import (
    VerdictMaterial,
    VerdictQuestion,
    component_question,
    material_for_verdict,
    second_question_of,
    verdict_question_of,
    with_code,
)
from triage.components import tag_without_model
from triage.models import Feedback, FileTag, Source, Verdict
from triage.second_vote import SecondVote
from triage.selectors import stopped_by_budget

RECOMMENDATION_OF = {
    VerdictValue.TRUE_POSITIVE: Recommendation.FIX,
    VerdictValue.FALSE_POSITIVE: Recommendation.IGNORE,
    VerdictValue.UNSURE: Recommendation.UNSURE,
}
EXCERPTS_PER_BATCH = 500
FILTER_OFF = "The noise filter was switched off, so nothing depended on it."
BUILT_IN_ALONE = "Built-in (no model) is no second opinion."


def judge_finding(*, finding: Finding) -> Verdict:
    """Ask the organization's model whether the finding is real, check its evidence, and keep its verdict.

    Raises TemporaryFailure where a later try may help, NoUsableAnswer where not.
    """
    with transaction.atomic():
        material = material_for_verdict(finding)
    return judge_by(with_code(material, finding), finding=finding)


def judge_by(material: VerdictMaterial, *, finding: Finding) -> Verdict:
    """Judge a finding by what was read of it, and keep the verdict. Raises as `judge_finding` does."""
    return keep_verdict(reach_verdict(material, finding=finding), finding=finding)


@dataclass(frozen=True)
class ReachedVerdict:
    """What the Assistant comes to about a finding, with what it was made of; nothing is kept yet.

    `used` are the memories that it was reached with.
    """

    asked: VerdictQuestion
    answer: Answer[VerdictAnswer]
    checked: tuple[evidence.CheckedQuote, ...]
    settled: VerdictAnswer
    vote: SecondVote
    used: tuple[Memory, ...]


def reach_verdict(material: VerdictMaterial, *, finding: Finding) -> ReachedVerdict:
    """Ask whether a finding is real and check the answer, keeping no verdict. Raises as `judge_finding` does."""
    asked = verdict_question_of(material)
    by_place = facts.verdict_by_place(asked.context, asked.known) if asked.test_paths_decide else None
    by_template = taught.verdict_by_template(asked.context, asked.known, asked.taught.memories)
    if by_place is not None:
        # The organization says that the place decides: nothing is sent and nothing paid.
        version = asked.prompt.version
        answer = Answer(value=by_place, is_built_in=True, model="", prompt_version=version, model_call_id=None)
        used: tuple[Memory, ...] = ()
    else:
        answer = providers.gate.ask(
            asked.prompt,
            answer=VerdictAnswer,
            without_model=lambda: (
                by_template.answer if by_template else facts.verdict_without_model(asked.context, asked.known)
            ),
            finding_id=finding.pk,
            project_id=finding.project_id,
        )
        used_without_model = (by_template.memory,) if by_template else ()
        used = used_without_model if answer.is_built_in else asked.taught.memories
    checked = evidence.check(answer.value.evidence, asked.context)
    settled = injection.bar(evidence.settle(answer.value, checked), injection.in_excerpt(asked.shown))
    settled = taught.bar(settled, used)
    vote = second_vote.NOT_NEEDED
    if settled.verdict is VerdictValue.FALSE_POSITIVE and second_vote.needs_second_vote(
        severity=finding.severity, cwes=asked.context.rule.cwe, careful_cwes=material.settings.careful_cwes
    ):
        vote = _second_vote(asked, material, first=answer, finding=finding)
    return ReachedVerdict(
        asked=asked,
        answer=answer,
        checked=checked,
        settled=second_vote.after_second_look(settled, vote),
        vote=vote,
        used=used,
    )


def _second_vote(
    asked: VerdictQuestion, material: VerdictMaterial, *, first: Answer[VerdictAnswer], finding: Finding
) -> SecondVote:
    """Ask the second question, where the noise filter is on; the first verdict does not fail with it.

    Raises TemporaryFailure while a later try may help: the first answer is known then, and not paid for again.
    """
    if not material.settings.noise_filter:
        return second_vote.missing(FILTER_OFF)
    if first.is_built_in:
        return second_vote.missing(BUILT_IN_ALONE)
    try:
        answer = providers.gate.ask(
            second_question_of(asked),
            answer=SecondVoteAnswer,
            without_model=_no_second_vote,
            finding_id=finding.pk,
            project_id=finding.project_id,
        )
    except TemporaryFailure as failure:
        if _may_be_tried_again(failure):
            raise
        return second_vote.missing(f"The AI provider gave no answer, after several tries: {failure}")
    except StoppedByBudget as stop:
        return second_vote.missing(str(stop))
    except NoUsableAnswer as problem:
        return second_vote.missing(f"The AI provider gave no usable answer: {problem}")
    if answer.is_built_in:
        return second_vote.missing(f"{BUILT_IN_ALONE} {answer.stood_in_because}".strip())
    counted = second_vote.counted(answer.value, evidence.check(answer.value.evidence, asked.context), asked.shown)
    return SecondVote(value=counted.verdict, explanation=counted.explanation, model_call_id=answer.model_call_id)


def _no_second_vote() -> SecondVoteAnswer:
    return SecondVoteAnswer(
        conditions=[],
        evidence=[],
        conclusion=Conclusion.UNDECIDED,
        confidence=Confidence.LOW,
        explanation=BUILT_IN_ALONE,
    )


def _may_be_tried_again(failure: TemporaryFailure) -> bool:
    lease = lease_in_hand()
    if lease is None:
        return False  # nobody would try again
    return not (lease.is_last_attempt if failure.spends_attempt else lease.has_waited_too_long)


def keep_verdict(reached: ReachedVerdict, *, finding: Finding) -> Verdict:
    """Keep what was reached as the verdict that counts, with the memories that it used; what owes advice follows."""
    asked, answer, settled, vote = reached.asked, reached.answer, reached.settled, reached.vote
    was_lowered = (settled.verdict, settled.confidence) != (answer.value.verdict, answer.value.confidence)
    with result_of_job():
        verdict = Verdict.objects.create(
            finding=finding,
            value=settled.verdict,
            confidence=settled.confidence,
            explanation=settled.explanation,
            evidence=[_quote_as_json(entry) for entry in reached.checked],
            facts=[{"kind": fact.kind, "statement": fact.statement, "leaning": fact.leaning} for fact in asked.known],
            lowered_because=_in_words(answer.value, vote) if was_lowered else "",
            code_lines=[asdict(segment) for segment in asked.shown.segments],
            source=Source.BUILT_IN if answer.is_built_in else Source.MODEL,
            model=answer.model,
            prompt_version=answer.prompt_version,
            model_call_id=answer.model_call_id,
            stood_in_because=answer.stood_in_because,
            second_vote=vote.value,
            second_explanation=vote.explanation,
            second_model_call_id=vote.model_call_id,
            second_missing_because=vote.missing_because,
        )
        memories.services.note_use(memories=reached.used, finding=finding, verdict_id=verdict.pk)
        findings.services.apply_verdict(
            finding=finding, recommendation=RECOMMENDATION_OF[settled.verdict], confidence=settled.confidence
        )
        findings.services.end_analysis(finding=finding, state=AnalysisState.JUDGED, actor=ASSISTANT)
        record(
            Kind.VERDICT_REACHED, actor=ASSISTANT, finding_id=finding.pk, verdict_id=verdict.pk, verdict=settled.verdict
        )
    return verdict


def _in_words(answer: VerdictAnswer, vote: SecondVote) -> str:
    words = f"{answer.verdict.replace('_', ' ')}, {answer.confidence} confidence."
    if vote.disagrees:
        return f"The first answer was: {words} A second look, which such findings need, did not agree."
    return f"The answer was: {words}"


def _quote_as_json(entry: evidence.CheckedQuote) -> dict[str, Any]:
    return {
        **entry.quote.model_dump(mode="json"),
        "holds": entry.holds,
        "problem": entry.problem,
        "moved": entry.moved,
        "is_comment": entry.is_comment,
    }


def leave_unjudged(*, finding: Finding) -> None:
    """Let a finding wait no more, since the Assistant has been switched off."""
    with result_of_job():
        findings.services.skip_analysis(finding=finding, why=NotAnalysed.SWITCHED_OFF)


def forget_excerpts(*, older_than: datetime) -> int:
    """Remove the code lines by which findings were judged before a time. Returns of how many verdicts.

    The verdict stays, with the lines it quotes as evidence. Works in batches, each a transaction of its own.
    """
    count = 0
    while True:
        with transaction.atomic():
            old = Verdict.objects.filter(created_at__lt=older_than).exclude(code_lines=[])
            some = list(old.order_by("pk").values_list("pk", flat=True)[:EXCERPTS_PER_BATCH])
            Verdict.objects.filter(pk__in=some).update(code_lines=[], code_removed_at=timezone.now())
        count += len(some)
        if len(some) < EXCERPTS_PER_BATCH:
            return count


def give_up_on_verdict(*, finding: Finding, why: str) -> None:
    """Show the finding without a verdict and say why; silence never hides it."""
    with result_of_job():
        findings.services.not_analysed(finding_ids=[finding.pk], why=NotAnalysed.UNAVAILABLE, detail=why)
        findings.services.end_analysis(finding=finding, state=AnalysisState.UNAVAILABLE, actor=ASSISTANT)
        record(Kind.NOT_ANALYSED, actor=ASSISTANT, finding_id=finding.pk, reason=why[:200])


def stop_for_budget(*, finding: Finding, why: str) -> None:
    """Show the finding without a verdict, since the month's money is used up; an Admin can have it resumed."""
    with result_of_job():
        findings.services.not_analysed(finding_ids=[finding.pk], why=NotAnalysed.BUDGET, detail=why)
        findings.services.end_analysis(finding=finding, state=AnalysisState.UNAVAILABLE, actor=ASSISTANT)
        record(Kind.NOT_ANALYSED, actor=ASSISTANT, finding_id=finding.pk, reason=why[:200])


def resume_stopped(*, actor: Actor) -> int:
    """Have what the budget stopped analysed after all, in the background. Returns how many findings that is."""
    with transaction.atomic():
        count = stopped_by_budget().count()
        if count:
            record(Kind.STOPPED_WORK_RESUMED, actor=actor, count=count)
    return count


def tag_file(*, project: Project, path: str, revision: str) -> FileTag:
    """Say what a file is for, once per path and content; by its path alone where its text is not known.

    Raises as the gate does.
    """
    asked = component_question(project=project, path=path, revision=revision)
    with transaction.atomic():
        tag = FileTag.objects.filter(project=project, path=path, digest=asked.digest).first()
    if tag is None:
        answer = providers.gate.ask(
            asked.prompt,
            answer=ComponentAnswer,
            without_model=lambda: tag_without_model(path, asked.text),
            project_id=project.pk,
        )
        tag = FileTag(
            project=project,
            path=path,
            digest=asked.digest,
            tag=answer.value.tag,
            risk=answer.value.risk,
            reason=answer.value.reason,
            source=Source.BUILT_IN if answer.is_built_in else Source.MODEL,
        )
    with result_of_job():
        if tag.pk is None:
            FileTag.objects.bulk_create([tag], ignore_conflicts=True)
        ids = list(Finding.objects.filter(project=project, path=path).values_list("pk", flat=True))
        findings.services.apply_component(finding_ids=ids, tag=tag.tag, risk=tag.risk)
    return tag


def request_analysis(*, finding: Finding, actor: Actor) -> None:
    """Put one finding up for analysis because a person asked, whatever the caps say."""
    with transaction.atomic():
        Finding.objects.filter(pk=finding.pk).update(not_analysed=NotAnalysed.WAITING, not_analysed_detail="")
        record(
            Kind.ANALYSIS_REQUESTED,
            actor=actor,
            finding_id=finding.pk,
            project_id=finding.project_id,
            path=finding.path,
            revision=finding.revision,
        )


def give_feedback(*, verdict: Verdict, user: User, agrees: bool, reason: str = "", of_audit: bool = False) -> Feedback:
    """Keep what a person says of a verdict; agreeing with a false positive also ignores the finding.

    Agreeing with a true positive never ignores, and disagreeing with a false positive opens what was ignored so.
    `of_audit`: the verdict was drawn at random, so this is no part of the agree rate.
    """
    whose = {"user": user}
    return _keep_feedback(verdict, whose, agrees=agrees, reason=reason, actor=actor_of(user), of_audit=of_audit)


def take_back_feedback(*, verdict: Verdict, user: User) -> bool:
    """Forget what a person said of a verdict, and open the finding that agreeing ignored.

    Returns whether there was anything. What somebody else decided since stays, and so does a comment that was posted
    since somebody disagreed.
    """
    return _forget_feedback(verdict, {"user": user}, actor=actor_of(user))


def take_back_feedback_of_token(*, verdict: Verdict, actor: Actor) -> bool:
    """Forget what a token said of a verdict, as take_back_feedback does."""
    return _forget_feedback(verdict, _of_token(actor), actor=actor)


def take_back_feedback_of_account(*, verdict: Verdict, actor: Actor) -> bool:
    """Forget what somebody said of a verdict on a code host, as take_back_feedback does."""
    return _forget_feedback(verdict, _of_account(actor), actor=actor)


def _forget_feedback(verdict: Verdict, whose: dict[str, Any], *, actor: Actor) -> bool:
    with transaction.atomic():
        finding = Finding.objects.select_for_update(no_key=True).get(pk=verdict.finding_id)
        feedback = Feedback.objects.filter(verdict=verdict, **whose).first()
        if feedback is None:
            return False
        _tell(feedback, actor, is_undo=True)
        ignored_so = finding.triage == Triage.IGNORED and finding.ignore_reason == IgnoreReason.FALSE_POSITIVE
        is_own_decision = ignored_so and finding.triaged_by == actor.name[:200]
        others_agree = Feedback.objects.filter(verdict=verdict, agrees=True).exclude(pk=feedback.pk).exists()
        if feedback.agrees and verdict.is_false_positive and is_own_decision and not others_agree:
            findings.services.set_triage(finding=finding, triage=Triage.OPEN, comment="", actor=actor)
        feedback.delete()
    return True


def _tell(feedback: Feedback, actor: Actor, *, is_undo: bool = False) -> None:
    record(
        Kind.FEEDBACK_GIVEN,
        actor=actor,
        finding_id=feedback.finding_id,
        verdict_id=feedback.verdict_id,
        agrees=feedback.agrees,
        feedback_id=feedback.pk,
        **({"is_undo": True} if is_undo else {}),
    )


def give_feedback_of_token(*, verdict: Verdict, agrees: bool, reason: str, actor: Actor) -> Feedback:
    """Keep what a token says of a verdict for somebody, as give_feedback does; one answer a token."""
    return _keep_feedback(verdict, _of_token(actor), agrees=agrees, reason=reason, actor=actor)


def give_feedback_of_account(*, verdict: Verdict, agrees: bool, reason: str, actor: Actor) -> Feedback:
    """Keep what somebody says of a verdict on a code host, as give_feedback does; one answer an account there."""
    return _keep_feedback(verdict, _of_account(actor), agrees=agrees, reason=reason, actor=actor)


def _of_token(actor: Actor) -> dict[str, Any]:
    return {"user": None, "token_name": actor.name[:100], "account": ""}


def _of_account(actor: Actor) -> dict[str, Any]:
    return {"user": None, "token_name": "", "account": actor.name[:200]}


def _keep_feedback(
    verdict: Verdict, whose: dict[str, Any], *, agrees: bool, reason: str, actor: Actor, of_audit: bool = False
) -> Feedback:
    with transaction.atomic():
        finding = Finding.objects.select_for_update(no_key=True).get(pk=verdict.finding_id)
        feedback, _ = Feedback.objects.update_or_create(
            verdict=verdict,
            **whose,
            defaults={"finding": finding, "agrees": agrees, "reason": reason, "of_audit": of_audit},
        )
        _tell(feedback, actor)
        if not agrees:
            findings.services.hold_back_no_more(finding=finding)
        if verdict.is_false_positive and agrees:
            findings.services.ignore(
                finding=finding, reason=IgnoreReason.FALSE_POSITIVE, comment=reason or verdict.explanation, actor=actor
            )
        elif verdict.is_false_positive and finding.ignore_reason == IgnoreReason.FALSE_POSITIVE:
            findings.services.set_triage(finding=finding, triage=Triage.OPEN, comment=reason, actor=actor)
    return feedback
