"""How a command by reply is answered, and by which delivery."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('notifications', '0002_fences_of_comments'),
    ]

    operations = [
        migrations.AddField(
            model_name='replycommand',
            name='is_carried_out',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='replycommand',
            name='answer',
            field=models.CharField(blank=True, default='', max_length=500),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='replycommand',
            name='delivery_number',
            field=models.BigIntegerField(blank=True, null=True),
        ),
    ]
