"""`manage.py doctor`: is each part there that the platform needs, and if not, what to do?"""

from __future__ import annotations

from assistant_platform.diagnosis import code_hosts, database, machine, outside, queue
from assistant_platform.diagnosis.check import Check, CheckEach

CHECKS = (
    Check("Python", machine.python_packages),
    Check("Page assets", machine.page_assets),
    Check("Disk", machine.disk_space),
    Check("PostgreSQL", database.server),
    Check("Roles", database.roles),
    Check("Row-level security", database.row_level_security),
    Check("Migrations", database.migrations),
    Check("Stored secrets", database.stored_secrets),
    Check("Clock", database.clock),
    Check("Broker", queue.broker),
    Check("Workers", queue.workers),
    Check("Beat", queue.beat),
    Check("Engine", outside.engine_runs),
    Check("AI provider", outside.provider),
    CheckEach("Code hosts", code_hosts.parts, without="none is connected"),
    Check("Mail", outside.mail_server),
)
