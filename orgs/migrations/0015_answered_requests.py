"""Answers of writes with an Idempotency-Key, kept for a day; row-level security on them."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('orgs', '0014_project_has_tags_file'),
        ('tenancy', '0003_directory_rights'),
    ]

    operations = [
        migrations.CreateModel(
            name='AnsweredRequest',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('token_number', models.BigIntegerField()),
                ('key', models.CharField(max_length=255)),
                ('digest', models.BinaryField(max_length=32)),
                ('status', models.PositiveSmallIntegerField(blank=True, null=True)),
                ('content_type', models.CharField(blank=True, max_length=100)),
                ('body', models.BinaryField(default=bytes)),
                ('started_at', models.DateTimeField()),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='tenancy.organization')),
            ],
            options={
                'indexes': [models.Index(fields=['organization', 'started_at'], name='answered_request_by_age')],
                'constraints': [models.UniqueConstraint(fields=('organization', 'token_number', 'key'), name='answered_request_once')],
            },
        ),
        migrations.RunSQL(
            sql=[
                "ALTER TABLE orgs_answeredrequest ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY own_organization ON orgs_answeredrequest TO assistant_app USING (organization_id = current_setting('app.current_org')::bigint) WITH CHECK (organization_id = current_setting('app.current_org')::bigint)",
            ],
            reverse_sql=[
                "DROP POLICY own_organization ON orgs_answeredrequest",
                "ALTER TABLE orgs_answeredrequest DISABLE ROW LEVEL SECURITY",
            ],
        ),
    ]
