"""What of the events is the audit log, with an index for it; and kinds for sign-ins and for who sees what."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('events', '0005_stopped_work_resumed'),
        ('tenancy', '0003_directory_rights'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='event',
            name='event_audit_log',
        ),
        migrations.AddField(
            model_name='event',
            name='is_audit',
            field=models.BooleanField(db_default=False),
        ),
        migrations.AlterField(
            model_name='event',
            name='kind',
            field=models.CharField(choices=[('organization_created', 'Organization created'), ('organization_changed', 'Organization changed'), ('member_added', 'Member added'), ('member_removed', 'Member removed'), ('member_left', 'Member left'), ('role_changed', 'Role changed'), ('invitation_sent', 'Invitation sent'), ('invitation_accepted', 'Invitation accepted'), ('invitation_revoked', 'Invitation revoked'), ('team_changed', 'Team changed'), ('team_deleted', 'Team deleted'), ('access_changed', 'Which projects a person sees changed'), ('sign_on_changed', 'Single sign-on changed'), ('sign_on_removed', 'Single sign-on removed'), ('token_created', 'API token created'), ('token_revoked', 'API token revoked'), ('project_created', 'Project created'), ('settings_changed', 'Settings changed'), ('project_settings_changed', "Project's settings changed"), ('connection_saved', 'AI provider saved'), ('connection_removed', 'AI provider removed'), ('connection_refused', 'AI provider refused the key'), ('models_changed', 'Models of the steps changed'), ('budget_changed', 'Budget changed'), ('budget_alert', 'Budget alert'), ('model_call_replayed', 'Prompt replayed with another model'), ('log_exported', 'Log exported'), ('retention_announced', 'Longer retention announced'), ('consent_given', 'Sending code to the AI provider accepted'), ('consent_withdrawn', 'Sending code to the AI provider withdrawn'), ('scan_received', 'Scan received'), ('scan_ingested', 'Scan ingested'), ('scan_failed', 'Scan could not be read'), ('scan_settled', 'Scan analysed'), ('late_answer', 'Late answer'), ('finding_found', 'Found'), ('finding_fixed', 'Fixed'), ('finding_returned', 'Found again'), ('analysis_requested', 'Analysis requested'), ('analysis_planned', 'Analysis planned'), ('not_analysed', 'Not analysed'), ('component_tagged', 'Component tagged'), ('verdict_reached', 'Verdict reached'), ('guidance_written', 'Guidance written'), ('guidance_not_possible', 'No guidance'), ('autofix_written', 'Fix written'), ('autofix_not_possible', 'No fix'), ('feedback_given', 'Feedback given'), ('finding_triaged', 'Triaged'), ('finding_ignored', 'Ignored'), ('note_added', 'Note added'), ('memory_added', 'Memory added'), ('memory_removed', 'Memory removed'), ('signed_in', 'Signed in'), ('sign_in_failed', 'Sign-in failed'), ('password_changed', 'Password changed'), ('second_factor_added', 'Second factor added'), ('second_factor_removed', 'Second factor removed')], max_length=40),
        ),
        migrations.AddIndex(
            model_name='event',
            index=models.Index(condition=models.Q(('is_audit', True)), fields=['organization', '-id'], name='event_audit_trail'),
        ),
    ]
