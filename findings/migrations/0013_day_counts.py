"""The production backlog day by day, with its fence, and the indexes that ranking and counting read."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('findings', '0012_wait_for_verdicts'),
        ('orgs', '0017_gets_priority_emails'),
        ('rules', '0006_fences_of_changes_and_imports'),
        ('tenancy', '0005_priorities_due'),
    ]

    operations = [
        migrations.CreateModel(
            name='DayCount',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField()),
                ('severity', models.SmallIntegerField(choices=[(1, 'Low'), (2, 'Medium'), (3, 'High'), (4, 'Critical')])),
                ('open', models.PositiveIntegerField(default=0)),
                ('opened', models.PositiveIntegerField(default=0)),
                ('fixed', models.PositiveIntegerField(default=0)),
                ('ignored', models.PositiveIntegerField(default=0)),
                ('is_derived', models.BooleanField(default=False)),
            ],
        ),
        migrations.AddIndex(
            model_name='finding',
            index=models.Index(condition=models.Q(('is_present', True), ('is_production', True), ('triage__in', ['open', 'reviewing', 'to_fix'])), fields=['organization', 'project', 'rule'], include=('id', 'severity', 'product', 'recommendation', 'verdict_confidence', 'component_risk', 'has_verified_fix', 'created_at'), name='finding_production_backlog'),
        ),
        migrations.AddIndex(
            model_name='finding',
            index=models.Index(fields=['organization', 'created_at'], include=('severity', 'project'), name='finding_opened'),
        ),
        migrations.AddIndex(
            model_name='finding',
            index=models.Index(condition=models.Q(('triage', 'ignored'), ('triaged_at__isnull', False)), fields=['organization', 'triaged_at'], name='finding_ignored_at'),
        ),
        migrations.AddField(
            model_name='daycount',
            name='organization',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='tenancy.organization'),
        ),
        migrations.AddField(
            model_name='daycount',
            name='project',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='orgs.project'),
        ),
        migrations.AddConstraint(
            model_name='daycount',
            constraint=models.UniqueConstraint(fields=('organization', 'project', 'day', 'severity'), name='day_count_once', nulls_distinct=False),
        ),
        migrations.RunSQL(
            sql=[
                "ALTER TABLE findings_daycount ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY own_organization ON findings_daycount TO assistant_app USING (organization_id = current_setting('app.current_org')::bigint) WITH CHECK (organization_id = current_setting('app.current_org')::bigint)",
                "ALTER TABLE findings_daycount ADD CONSTRAINT findings_daycount_project_same_organization FOREIGN KEY (organization_id, project_id) REFERENCES orgs_project (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
            ],
            reverse_sql=[
                "ALTER TABLE findings_daycount DROP CONSTRAINT findings_daycount_project_same_organization",
                "DROP POLICY own_organization ON findings_daycount",
                "ALTER TABLE findings_daycount DISABLE ROW LEVEL SECURITY",
            ],
        ),
    ]
