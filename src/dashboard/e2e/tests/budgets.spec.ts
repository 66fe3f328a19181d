import { ACME } from '../support/furnish';
import { acmeId, admin, call, given, makeCaller } from '../support/gateway';
import { choose, pick, refuses } from '../support/forms';
import { expect, test } from '../support/test';

// Whole stories take longer than single steps.
test.describe.configure({ timeout: 90_000 });

test('a budget of a tenant is made, changed and deleted, and decides', async ({
    page,
    dashboard,
}) => {
    await page.emulateMedia({ reducedMotion: 'reduce' });
    const caller = await makeCaller('Thrifty');
    await dashboard.logIn(`/admin/budgets?tenant=${caller.tenantId}`);
    await expect(page.getByText('There is no budget yet')).toBeVisible();
    await page.getByRole('button', { name: 'New budget' }).click();
    const made = page.getByRole('dialog', { name: 'New budget' });
    await made.getByLabel('Limit in dollars').fill('0.000001');
    await pick(made, 'Period', 'daily');
    await made.getByLabel('Only these models').fill('gpt-4o*, o?');
    await made.getByLabel('Only these providers').fill('openai');
    await made.getByLabel('Alerts at').fill('50, 95');
    await dashboard.isAccessible();
    await made.getByRole('button', { name: 'Create' }).click();
    await expect(made).toHaveCount(0);
    const row = page.getByRole('table', { name: 'Budgets' }).getByRole('row').last();
    await expect(row).toContainText('daily');
    await expect(row).toContainText('$0.000001');
    await expect(row).toContainText('gpt-4o*, o? of openai');
    await expect(row).toContainText('50, 95');
    expect(await call(caller)).toBe(402);

    await choose(page, 'the daily budget of $0.000001', 'Change');
    const changed = page.getByRole('dialog', { name: 'Change the budget' });
    await changed.getByLabel('Limit in dollars').fill('0.000002');
    await pick(changed, 'What it does', 'only counts');
    await changed.getByLabel('Alerts at').fill('early=40, late=95');
    await changed.getByRole('button', { name: 'Save' }).click();
    await expect(changed).toHaveCount(0);
    await expect(row).toContainText('shadow');
    await expect(row).toContainText('early=40, late=95');
    expect(await call(caller)).toBe(200);
    await expect(row).toContainText('would have refused 1');

    await choose(page, 'the daily budget of $0.000002', 'Delete');
    const dialog = page.getByRole('dialog', { name: 'Delete the daily budget' });
    await expect(dialog).toContainText('refuses nothing from now on');
    await dashboard.isAccessible();
    await dialog.getByRole('button', { name: 'Delete the budget' }).click();
    await expect(page.getByText('There is no budget yet')).toBeVisible();
});

test('every period can be chosen, and a custom one has days of the tenant’s calendar', async ({
    page,
    dashboard,
}) => {
    const body = { name: 'Calendar', timeZone: 'Pacific/Auckland' };
    const tenant = given((await admin().POST('/admin/tenant', { body })).data);
    await dashboard.logIn(`/admin/budgets?tenant=${tenant.id}`);
    const dialog = page.getByRole('dialog');
    const rows = page.getByRole('table', { name: 'Budgets' }).locator('tbody tr');
    for (const [at, period] of ['hourly', 'daily', 'weekly', 'monthly', 'total'].entries()) {
        await page.getByRole('button', { name: 'New budget' }).click();
        await dialog.getByLabel('Limit in dollars').fill('12.5');
        await pick(dialog, 'Period', period);
        await dialog.getByRole('button', { name: 'Create' }).click();
        await expect(rows).toHaveCount(at + 1);
        await expect(dialog).toHaveCount(0);
    }
    await page.getByRole('button', { name: 'New budget' }).click();
    await dialog.getByLabel('Limit in dollars').fill('77');
    await pick(dialog, 'Period', 'custom');
    await dialog.getByLabel('First day').fill('2026-01-01');
    await dialog.getByLabel('Last day').fill('2027-12-31');
    await dialog.getByRole('button', { name: 'Create' }).click();
    await expect(rows).toHaveCount(6);
    await choose(page, 'the custom budget of $77.00', 'Change');
    await expect(dialog.getByLabel('First day')).toHaveValue('2026-01-01');
    await expect(dialog.getByLabel('Last day')).toHaveValue('2027-12-31');
    await dialog.getByLabel('Limit in dollars').fill('78');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await expect(dialog).toHaveCount(0);
    const params = { path: { id: tenant.id } };
    const budgets = given((await admin().GET('/admin/tenant/{id}/budgets', { params })).data);
    const custom = given(budgets.find(({ period }) => period === 'custom'));
    expect(custom.startDate).toBe('2025-12-31T11:00:00.000Z');
    expect(custom.endDate).toBe('2027-12-31T10:59:59.999Z');

    await page.getByRole('button', { name: 'New budget' }).click();
    await dialog.getByLabel('Limit in dollars').fill('13');
    await pick(dialog, 'Period', 'weekly');
    await expect(dialog.getByRole('status')).toContainText('this one replaces it');
    await dialog.getByRole('button', { name: 'Replace' }).click();
    await expect(dialog).toHaveCount(0);
    await expect(rows.filter({ hasText: 'weekly' })).toContainText('$13.00');
    await expect(rows).toHaveCount(6);
});

test('the installation, a key and each session have budgets too', async ({ page, dashboard }) => {
    const caller = await makeCaller('Everywhere');
    await dashboard.logIn('/admin/budgets?scope=installation');
    await expect(page.getByRole('table', { name: 'Budgets' })).toContainText('$1,000.00');
    const dialog = page.getByRole('dialog');
    // In place of the one that there is: other tests count those of the installation.
    for (const [amount, shown] of [
        ['3000', '$3,000.00'],
        ['1000', '$1,000.00'],
    ] as const) {
        await page.getByRole('button', { name: 'New budget' }).click();
        await dialog.getByLabel('Limit in dollars').fill(amount);
        await dialog.getByRole('button', { name: 'Replace' }).click();
        await expect(page.getByRole('table', { name: 'Budgets' })).toContainText(shown);
        await expect(dialog).toHaveCount(0);
    }

    await dashboard.open(`/admin/budgets?scope=key&tenant=${caller.tenantId}`);
    await page.getByRole('button', { name: 'New budget' }).click();
    await dialog.getByLabel('Limit in dollars').fill('0');
    await dialog.getByRole('button', { name: 'Create' }).click();
    await expect(page.getByRole('table', { name: 'Budgets' })).toContainText('monthly');
    expect(await call(caller)).toBe(402);

    await page.getByLabel('Scope').click();
    await page.getByRole('option', { name: 'Each session' }).click();
    await page.getByRole('button', { name: 'Set' }).click();
    await dialog.getByLabel('Limit in dollars').fill('0.75');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await expect(page.getByText('A session may spend $0.75')).toBeVisible();
    await dashboard.isAccessible();
    await page.getByRole('button', { name: 'Remove' }).click();
    await dialog.getByRole('button', { name: 'Remove the budget' }).click();
    await expect(page.getByText('Sessions have no limit')).toBeVisible();
});

test('a viewer sees budgets and is offered no change', async ({ page, dashboard }) => {
    await dashboard.logInAs('viewer', `/admin/budgets?tenant=${acmeId()}`);
    await expect(page.getByRole('table', { name: 'Budgets' })).toContainText('$250.00');
    await expect(page.getByRole('combobox', { name: 'Tenant' })).toHaveValue(ACME);
    await expect(page.getByRole('button', { name: /New budget|Actions of/ })).toHaveCount(0);
    await dashboard.open(`/admin/budgets?tenant=${acmeId()}&scope=session`);
    await expect(page.getByText(/may spend|have no limit/)).toBeVisible();
    await expect(page.getByRole('button', { name: /^(Set|Remove)$/ })).toHaveCount(0);
});

test.describe('with answers that refuse', () => {
    test.use({ expectedErrors: { patterns: [/status of 40[04]/] } });

    test('what the server refuses stands with its field', async ({ page, dashboard }) => {
        await page.emulateMedia({ reducedMotion: 'reduce', colorScheme: 'dark' });
        const caller = await makeCaller('Refused budgets');
        await dashboard.logIn(`/admin/budgets?tenant=${caller.tenantId}`);
        await page.getByRole('button', { name: 'New budget' }).click();
        const dialog = page.getByRole('dialog');
        await dialog.getByLabel('Limit in dollars').fill('99999999999');
        await dialog.getByRole('button', { name: 'Create' }).click();
        await refuses(dialog, 'Limit in dollars', /amountUsd/);
        await dashboard.isAccessible();
        await dialog.getByLabel('Limit in dollars').fill('5');
        await dialog.getByLabel('Alerts at').fill('0');
        await dialog.getByRole('button', { name: 'Create' }).click();
        await refuses(dialog, 'Alerts at', /alertThresholds/);
        await dialog.getByLabel('Alerts at').fill('80');
        await dialog.getByLabel('Only these models').fill('modèle');
        await dialog.getByRole('button', { name: 'Create' }).click();
        await refuses(dialog, 'Only these models', /models/);
        await dialog.getByLabel('Only these models').fill('');
        await dialog.getByRole('button', { name: 'Create' }).click();
        await expect(dialog).toHaveCount(0);

        await choose(page, 'the monthly budget of $5.00', 'Delete');
        const params = { path: { id: caller.tenantId } };
        await admin().DELETE('/admin/tenant/{id}', { params });
        await dialog.getByRole('button', { name: 'Delete the budget' }).click();
        await expect(dialog.getByRole('alert')).toHaveText('Budget not found');
    });

    test('too much for a change and for a session is told of', async ({ page, dashboard }) => {
        const caller = await makeCaller('Gone budgets');
        const params = { path: { id: caller.tenantId } };
        const body = { budgets: [{ period: 'weekly' as const, amountUsd: '9' }] };
        await admin().POST('/admin/tenant/{id}/budgets', { params, body });
        const dialog = page.getByRole('dialog');
        await dashboard.logIn(`/admin/budgets?tenant=${caller.tenantId}`);
        await choose(page, 'the weekly budget of $9.00', 'Change');
        await dialog.getByLabel('Limit in dollars').fill('99999999999');
        await dialog.getByRole('button', { name: 'Save' }).click();
        await refuses(dialog, 'Limit in dollars', /amountUsd/);
        await page.keyboard.press('Escape');
        await dashboard.open(`/admin/budgets?tenant=${caller.tenantId}&scope=session`);
        await page.getByRole('button', { name: 'Set' }).click();
        await dialog.getByLabel('Limit in dollars').fill('99999999999');
        await dialog.getByRole('button', { name: 'Save' }).click();
        await refuses(dialog, 'Limit in dollars', /budgetUsd/);
    });
});
