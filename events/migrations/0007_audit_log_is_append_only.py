"""Mark what is the audit log already, and let the application add events and read them, nothing else.

Whoever removes an organization for good does so as the owner of the tables.
"""

from django.db import migrations

MACHINE_WORK = "'scan_ingested', 'scan_settled', 'late_answer', 'finding_found', 'finding_fixed', 'finding_returned', 'analysis_planned', 'not_analysed', 'component_tagged', 'verdict_reached', 'guidance_written', 'guidance_not_possible', 'autofix_written', 'autofix_not_possible'"


class Migration(migrations.Migration):

    dependencies = [
        ("events", "0006_event_is_audit"),
    ]

    operations = [
        migrations.RunSQL(
            sql=[f"UPDATE events_event SET is_audit = true WHERE kind NOT IN ({MACHINE_WORK}) AND (finding_id IS NULL OR actor_kind NOT IN ('assistant', 'scanner'))"],
            reverse_sql=migrations.RunSQL.noop,
        ),
        migrations.RunSQL(
            sql=["REVOKE UPDATE, DELETE, TRUNCATE ON events_event FROM assistant_app"],
            reverse_sql=["GRANT UPDATE, DELETE ON events_event TO assistant_app"],
        ),
    ]
