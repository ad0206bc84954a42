"""Which repository a pull request is of, by what stays when that is renamed."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("scm", "0006_installation_changed_at")]

    operations = [
        migrations.AddField(
            model_name="pullrequest",
            name="origin",
            field=models.CharField(blank=True, max_length=600),
        ),
    ]
