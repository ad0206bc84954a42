from tenancy.directory import across_organizations


def look(Finding, Note, rows, organization, key):
    # ruleid: no-unscoped-manager
    Finding.every_organization.filter(pk=key)
    # ruleid: no-unscoped-manager
    Note._base_manager.all()
    # ruleid: no-unscoped-manager
    with across_organizations():
        pass
    # ok: no-unscoped-manager
    Finding.objects.filter(pk=key)


def move(rows, organization, number):
    # ruleid: no-moving-between-organizations
    rows.update(organization=organization)
    # ruleid: no-moving-between-organizations
    rows.filter(pk=1).update(state="done", organization_id=number)
    # ok: no-moving-between-organizations
    rows.update(state="done")
    # ok: no-moving-between-organizations
    rows.filter(organization=organization).delete()
