"""The directory's role may send, claim and forget everybody's Jobs."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ("events", "0002_fences"),
        ("tenancy", "0003_directory_rights"),
    ]

    operations = [
        migrations.RunSQL(
            sql=["GRANT SELECT, UPDATE, DELETE ON events_job TO assistant_system"],
            reverse_sql=["REVOKE SELECT, UPDATE, DELETE ON events_job FROM assistant_system"],
        ),
    ]
