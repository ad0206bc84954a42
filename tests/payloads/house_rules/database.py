import findings.code
import providers.gate
from django.db import connection, transaction
from django.db.models.expressions import RawSQL
from events.services import result_of_job
from psycopg import sql


def ask_database(Finding, rows, cursor, name, names):
    # ruleid: no-raw-sql
    Finding.objects.raw("SELECT * FROM findings_finding")
    # ruleid: no-raw-sql
    rows.extra(where=["path = 'x'"])
    # ruleid: no-raw-sql
    rows.annotate(lower=RawSQL("lower(path)", []))
    # ruleid: no-raw-sql
    cursor.execute(f"SELECT * FROM {name}")
    # ruleid: no-raw-sql
    cursor.execute("SELECT * FROM %s" % name)
    # ruleid: no-raw-sql
    cursor.execute("SELECT * FROM " + name, [1])
    # ruleid: no-raw-sql
    cursor.executemany("SELECT * FROM {}".format(name), [])
    # ruleid: no-raw-sql
    cursor.copy(f"COPY {name} FROM STDIN")
    # ok: no-raw-sql
    cursor.execute("SELECT * FROM findings_finding WHERE path = %s", [name])
    # ok: no-raw-sql
    cursor.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(name), sql.Identifier(names)))
    # ok: no-raw-sql
    logger.info("extra", extra={"name": name})


def judge_in_block(prompt):
    with transaction.atomic():
        context = prompt.render()
        # ruleid: no-llm-call-in-transaction
        answer = providers.gate.ask(context, answer=str)
    return answer


def judge_in_result(adapter, question):
    with result_of_job():
        # ruleid: no-llm-call-in-transaction
        return adapter.ask(question)


@transaction.atomic
def judge_decorated(prompt):
    # ruleid: no-llm-call-in-transaction
    return providers.gate.ask(prompt, answer=str)


def judge_between(prompt):
    with transaction.atomic():
        context = prompt.render()
    # ok: no-llm-call-in-transaction
    answer = providers.gate.ask(context, answer=str)
    with result_of_job():
        return answer.save()


def read_in_block(adapter, finding):
    with transaction.atomic():
        # ruleid: no-host-call-in-transaction
        text = adapter.read_file("1", finding.path, finding.revision)
        # ruleid: no-host-call-in-transaction
        findings.code.fetch(finding)
    return text


def read_before(adapter, finding):
    text = adapter.read_file("1", finding.path, finding.revision)
    # ok: no-host-call-in-transaction
    findings.code.fetch(finding)
    with result_of_job():
        finding.save()
    return text
