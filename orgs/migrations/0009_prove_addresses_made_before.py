"""Accounts made so far came from whoever runs the server, who vouched for their addresses."""

from django.db import migrations

PROVE = """
INSERT INTO account_emailaddress (user_id, email, verified, "primary")
SELECT u.id, lower(u.email), true, true
  FROM auth_user u
 WHERE u.email <> '' AND NOT EXISTS (SELECT 1 FROM account_emailaddress a WHERE a.user_id = u.id)
ON CONFLICT DO NOTHING
"""


class Migration(migrations.Migration):
    dependencies = [
        ("orgs", "0008_invitation_delivery"),
        ("account", "0009_emailaddress_unique_primary_email"),
    ]

    operations = [
        migrations.RunSQL(sql=PROVE, reverse_sql=migrations.RunSQL.noop),
    ]
