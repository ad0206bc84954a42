"""One rating of each person: two members of one name are two."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("remediation", "0008_fences_of_feedback_on_advice"),
    ]

    operations = [
        migrations.RemoveConstraint(model_name="advicefeedback", name="advice_feedback_once_for_guidance"),
        migrations.RemoveConstraint(model_name="advicefeedback", name="advice_feedback_once_for_a_fix"),
        migrations.AddConstraint(
            model_name="advicefeedback",
            constraint=models.UniqueConstraint(
                fields=("guidance", "user_id"), name="advice_feedback_once_for_guidance"
            ),
        ),
        migrations.AddConstraint(
            model_name="advicefeedback",
            constraint=models.UniqueConstraint(fields=("autofix", "user_id"), name="advice_feedback_once_for_a_fix"),
        ),
        migrations.AddConstraint(
            model_name="advicefeedback",
            constraint=models.UniqueConstraint(
                condition=models.Q(("user_id", None)),
                fields=("guidance", "by"),
                name="advice_feedback_once_for_guidance_by_name",
            ),
        ),
        migrations.AddConstraint(
            model_name="advicefeedback",
            constraint=models.UniqueConstraint(
                condition=models.Q(("user_id", None)),
                fields=("autofix", "by"),
                name="advice_feedback_once_for_a_fix_by_name",
            ),
        ),
    ]
