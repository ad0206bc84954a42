"""When an installation of a GitHub App became what it is."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("scm", "0005_fences_of_code_hosts")]

    operations = [
        migrations.AddField(
            model_name="installation",
            name="changed_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
