"""The directory's role may read whom a token and a membership belong to."""

from django.conf import settings
from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ("orgs", "0002_fences"),
        ("tenancy", "0003_directory_rights"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunSQL(
            sql=["GRANT SELECT ON orgs_membership, orgs_apitoken, auth_user TO assistant_system"],
            reverse_sql=["REVOKE SELECT ON orgs_membership, orgs_apitoken, auth_user FROM assistant_system"],
        ),
    ]
