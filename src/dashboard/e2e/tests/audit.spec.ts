import { admin, given, makeCaller } from '../support/gateway';
import { expect, test } from '../support/test';

// Whole stories take longer than single steps.
test.describe.configure({ timeout: 90_000 });

test('the log tells who changed what, before and after', async ({ page, dashboard }) => {
    await page.emulateMedia({ reducedMotion: 'reduce' });
    const caller = await makeCaller('Audited');
    const params = { path: { id: caller.tenantId } };
    await admin().PUT('/admin/tenant/{id}', { params, body: { name: 'Audited twice' } });
    await dashboard.logIn(`/admin/audit?tenant=${caller.tenantId}`);
    const table = page.getByRole('table', { name: 'Audit log' });
    const row = table.getByRole('row').filter({ hasText: 'tenant.update' }).first();
    await expect(row).toContainText('the admin key');
    await expect(row).toContainText('Audited twice');
    const detail = row.getByRole('button', { name: 'What tenant.update changed' });
    await detail.focus();
    await page.keyboard.press('Enter');
    const changes = page.getByRole('table', { name: 'Changes by tenant.update' });
    await expect(changes.getByRole('row').filter({ hasText: 'name' })).toContainText(
        'AuditedAudited twice',
    );
    await dashboard.isAccessible();
    await page.emulateMedia({ colorScheme: 'dark' });
    await dashboard.isAccessible();
    expect(await page.content()).not.toContain(caller.key);
});

test('the log is filtered, and the filters are kept in the address', async ({
    page,
    dashboard,
}) => {
    const caller = await makeCaller('Filtered log');
    await dashboard.logIn(`/admin/audit?tenant=${caller.tenantId}`);
    const rows = page.getByRole('table', { name: 'Audit log' }).getByRole('rowheader');
    await expect(rows.filter({ hasText: 'tenant.create' })).toHaveCount(1);
    await expect(page.getByLabel('Its number')).toBeDisabled();
    await page.getByLabel('Action').fill('tenant.create');
    await page.keyboard.press('Enter');
    await expect(rows).toHaveCount(1);
    await expect(page).toHaveURL(/action=tenant\.create/);
    await page.reload();
    await expect(rows).toHaveText(['tenant.create']);
    await page.getByLabel('Kind of thing').fill('tenant');
    await page.keyboard.press('Enter');
    await page.getByLabel('Its number').fill(String(caller.tenantId));
    await page.keyboard.press('Enter');
    await expect(page).toHaveURL(/targetId=\d/);
    await expect(rows).toHaveCount(1);
    await page.getByRole('combobox', { name: 'Who' }).click();
    await page.getByRole('option', { name: 'viewer' }).click();
    await expect(page).toHaveURL(/actorId=\d/);
    await expect(page.getByText('Nothing like this was done')).toBeVisible();
    await page.getByRole('button', { name: 'Clear filters' }).click();
    await expect(page).not.toHaveURL(/actorId|action|target/);
    await expect(rows.filter({ hasText: 'tenant.create' })).toHaveCount(1);
});

test('the log is read page by page', async ({ page, dashboard }) => {
    const made = await admin().POST('/admin/tenant', { body: { name: 'Paged' } });
    const params = { path: { id: given(made.data).id } };
    const names = Array.from({ length: 60 }, (_none, at) => `Paged ${at}`);
    await Promise.all(
        names.map((name) => admin().PUT('/admin/tenant/{id}', { params, body: { name } })),
    );
    await dashboard.logIn(`/admin/audit?tenant=${params.path.id}`);
    const rows = page.getByRole('table', { name: 'Audit log' }).getByRole('rowheader');
    await expect(rows).toHaveCount(50);
    await expect(page.getByRole('button', { name: 'Newest' })).toBeDisabled();
    await page.getByRole('button', { name: 'Older' }).click();
    await expect(rows).toHaveCount(11);
    await expect(rows.last()).toHaveText('tenant.create');
    await expect(page).toHaveURL(/page=/);
    await expect(page.getByRole('button', { name: 'Older' })).toBeDisabled();
    await page.goBack();
    await expect(rows).toHaveCount(50);
    await page.goForward();
    await expect(rows).toHaveCount(11);
    await page.getByRole('combobox', { name: 'Time' }).click();
    await page.getByRole('option', { name: 'Last 7 days' }).click();
    await expect(rows).toHaveCount(50);
});

test.describe('with answers that refuse', () => {
    test.use({ expectedErrors: { patterns: [/status of 400/] } });

    test('a page that never was is told of', async ({ page, dashboard }) => {
        await dashboard.logIn('/admin/audit?page=nonsense');
        await expect(page.getByRole('alert')).toContainText('before must be');
    });
});
