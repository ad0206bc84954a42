"""Room in each page for the new version of its rows, so that a scan that finds the same again touches no index."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ("findings", "0003_keep_human_decisions"),
    ]

    operations = [
        migrations.RunSQL(
            sql=[
                "ALTER TABLE findings_finding SET (fillfactor = 70)",
                "ALTER TABLE findings_presence SET (fillfactor = 70)",
            ],
            reverse_sql=[
                "ALTER TABLE findings_presence RESET (fillfactor)",
                "ALTER TABLE findings_finding RESET (fillfactor)",
            ],
        ),
    ]
