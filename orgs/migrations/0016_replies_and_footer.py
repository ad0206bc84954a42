from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('orgs', '0015_answered_requests'),
    ]

    operations = [
        migrations.AddField(
            model_name='assistantsettings',
            name='commands_in_replies',
            field=models.BooleanField(default=True),
        ),
        migrations.AddField(
            model_name='assistantsettings',
            name='comment_footer',
            field=models.TextField(blank=True, default='', max_length=2000),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='projectsettings',
            name='commands_in_replies',
            field=models.BooleanField(blank=True, null=True),
        ),
    ]
