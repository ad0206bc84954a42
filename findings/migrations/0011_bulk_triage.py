"""Decisions about many findings at once, with what was before; row-level security, keys within the organization."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('findings', '0010_expiry_as_decided'),
        ('tenancy', '0003_directory_rights'),
    ]

    operations = [
        migrations.CreateModel(
            name='BulkTriage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('triage', models.CharField(choices=[('open', 'Open'), ('reviewing', 'Reviewing'), ('to_fix', 'To fix'), ('ignored', 'Ignored')], max_length=10)),
                ('ignore_reason', models.CharField(blank=True, choices=[('false_positive', 'False positive'), ('acceptable_risk', 'Acceptable risk'), ('no_time', 'No time'), ('duplicate', 'Duplicate'), ('no_reason', 'No reason')], max_length=20)),
                ('comment', models.TextField(blank=True, max_length=3000)),
                ('count', models.PositiveIntegerField()),
                ('made_by', models.CharField(max_length=200)),
                ('made_at', models.DateTimeField()),
                ('undone_by', models.CharField(blank=True, max_length=200)),
                ('undone_at', models.DateTimeField(blank=True, null=True)),
                ('undone_count', models.PositiveIntegerField(blank=True, null=True)),
                ('event_number', models.BigIntegerField(blank=True, null=True)),
                ('undo_event_number', models.BigIntegerField(blank=True, null=True)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='tenancy.organization')),
            ],
        ),
        migrations.CreateModel(
            name='BulkTriageChange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('change', models.PositiveIntegerField()),
                ('triage', models.CharField(choices=[('open', 'Open'), ('reviewing', 'Reviewing'), ('to_fix', 'To fix'), ('ignored', 'Ignored')], max_length=10)),
                ('ignore_reason', models.CharField(blank=True, choices=[('false_positive', 'False positive'), ('acceptable_risk', 'Acceptable risk'), ('no_time', 'No time'), ('duplicate', 'Duplicate'), ('no_reason', 'No reason')], max_length=20)),
                ('triage_comment', models.TextField(blank=True, max_length=3000)),
                ('triage_source', models.CharField(blank=True, choices=[('', 'Nobody yet'), ('suppression', 'A suppression in the code or the report'), ('person', 'A person')], max_length=12)),
                ('triaged_by', models.CharField(blank=True, max_length=200)),
                ('triaged_at', models.DateTimeField(blank=True, null=True)),
                ('triage_expires_at', models.DateTimeField(blank=True, null=True)),
                ('was_waiting', models.BooleanField(default=False)),
                ('bulk', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='changes', to='findings.bulktriage')),
                ('finding', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='bulk_changes', to='findings.finding')),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='tenancy.organization')),
            ],
        ),
        migrations.AddConstraint(
            model_name='bulktriage',
            constraint=models.UniqueConstraint(fields=('organization', 'id'), name='bulk_triage_of_organization'),
        ),
        migrations.AddConstraint(
            model_name='bulktriagechange',
            constraint=models.UniqueConstraint(fields=('bulk', 'finding'), name='bulk_triage_once_per_finding'),
        ),
        migrations.RunSQL(
            sql=[
                "ALTER TABLE findings_bulktriage ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY own_organization ON findings_bulktriage TO assistant_app USING (organization_id = current_setting('app.current_org')::bigint) WITH CHECK (organization_id = current_setting('app.current_org')::bigint)",
            ],
            reverse_sql=[
                "DROP POLICY own_organization ON findings_bulktriage",
                "ALTER TABLE findings_bulktriage DISABLE ROW LEVEL SECURITY",
            ],
        ),
        migrations.RunSQL(
            sql=[
                "ALTER TABLE findings_bulktriagechange ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY own_organization ON findings_bulktriagechange TO assistant_app USING (organization_id = current_setting('app.current_org')::bigint) WITH CHECK (organization_id = current_setting('app.current_org')::bigint)",
                "ALTER TABLE findings_bulktriagechange ADD CONSTRAINT findings_bulktriagechange_bulk_same_organization FOREIGN KEY (organization_id, bulk_id) REFERENCES findings_bulktriage (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
                "ALTER TABLE findings_bulktriagechange ADD CONSTRAINT findings_bulktriagechange_finding_same_organization FOREIGN KEY (organization_id, finding_id) REFERENCES findings_finding (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
            ],
            reverse_sql=[
                "ALTER TABLE findings_bulktriagechange DROP CONSTRAINT findings_bulktriagechange_finding_same_organization",
                "ALTER TABLE findings_bulktriagechange DROP CONSTRAINT findings_bulktriagechange_bulk_same_organization",
                "DROP POLICY own_organization ON findings_bulktriagechange",
                "ALTER TABLE findings_bulktriagechange DISABLE ROW LEVEL SECURITY",
            ],
        ),
    ]
