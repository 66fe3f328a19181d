import { ACME } from '../support/furnish';
import { admin, call, given, makeCaller } from '../support/gateway';
import { choose, refuses } from '../support/forms';
import { expect, test } from '../support/test';

// Whole stories take longer than single steps.
test.describe.configure({ timeout: 90_000 });

test('a tenant is made, renamed, limited and closed', async ({ page, dashboard }) => {
    await page.emulateMedia({ reducedMotion: 'reduce' });
    await dashboard.logIn('/admin/tenants?search=Orchard');
    await expect(page.getByText('No tenant is called so')).toBeVisible();

    await page.getByRole('button', { name: 'New tenant' }).click();
    const made = page.getByRole('dialog', { name: 'New tenant' });
    await made.getByRole('textbox', { name: 'Name' }).fill('Orchard');
    await made.getByLabel('Time zone').fill('Asia/Tokyo');
    await made.getByLabel('Budget of each session in dollars').fill('0.25');
    await dashboard.isAccessible();
    await made.getByRole('button', { name: 'Create' }).click();
    await expect(made).toHaveCount(0);
    const row = page.getByRole('row').filter({ hasText: 'Orchard' });
    await expect(row).toContainText('Asia/Tokyo');
    await expect(row).toContainText('$0.25');

    await choose(page, 'Orchard', 'Settings');
    const changed = page.getByRole('dialog', { name: 'Settings of Orchard' });
    await changed.getByRole('textbox', { name: 'Name' }).fill('Orchard & Sons');
    await changed.getByLabel('Requests a minute').fill('120');
    await changed.getByLabel('Budget of each session in dollars').fill('');
    await changed.getByRole('button', { name: 'Save' }).click();
    await expect(changed).toHaveCount(0);
    await expect(row).toContainText('Orchard & Sons');
    await expect(row).toContainText('120');
    await expect(row).toContainText('none');

    await choose(page, 'Orchard & Sons', 'Rate limits');
    const limits = page.getByRole('dialog', { name: 'Rate limits of Orchard & Sons' });
    await expect(limits.getByLabel('Requests a minute')).toHaveValue('120');
    await limits.getByLabel('Tokens a minute').fill('5000');
    await limits.getByLabel('Requests at once').fill('7');
    await dashboard.isAccessible();
    await limits.getByRole('button', { name: 'Save' }).click();
    await expect(limits).toHaveCount(0);
    const tenants = given((await admin().GET('/admin/tenant')).data);
    const { id } = given(tenants.find(({ name }) => name === 'Orchard & Sons'));
    const limit = await admin().GET('/admin/tenant/{id}/ratelimit', { params: { path: { id } } });
    expect(limit.data).toEqual({ rateLimitPerMin: 120, tokensPerMin: 5000, maxConcurrent: 7 });

    await choose(page, 'Orchard & Sons', 'Close');
    const closed = page.getByRole('dialog', { name: 'Close Orchard & Sons?' });
    await expect(closed).toContainText('cannot be undone');
    const button = closed.getByRole('button', { name: 'Close the tenant' });
    await expect(button).toBeDisabled();
    await closed.getByRole('textbox').fill('Orchard & Sons');
    await expect(page.getByRole('menuitem')).toHaveCount(0);
    await dashboard.isAccessible();
    await button.click();
    await expect(page.getByText('No tenant is called so')).toBeVisible();
});

test('the keys of a closed tenant stop working', async ({ page, dashboard }) => {
    const caller = await makeCaller('Closing soon');
    expect(await call(caller)).toBe(200);
    await dashboard.logIn('/admin/tenants?search=closing');
    await choose(page, caller.name, 'Close');
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('textbox').fill(caller.name);
    await dialog.getByRole('button', { name: 'Close the tenant' }).click();
    await expect(dialog).toHaveCount(0);
    expect(await call(caller)).toBe(403);
});

test('a tenant leads to its keys and budgets', async ({ page, dashboard }) => {
    await dashboard.logIn(`/admin/tenants?search=${ACME}`);
    await choose(page, ACME, 'API keys');
    await dashboard.shows('API keys');
    await expect(page.getByRole('combobox', { name: 'Tenant' })).toHaveValue(ACME);
    await page.goBack();
    await choose(page, ACME, 'Budgets');
    await dashboard.shows('Budgets');
    await expect(page.getByRole('combobox', { name: 'Tenant' })).toHaveValue(ACME);
});

test('a viewer is offered no change, an operator only limits', async ({ page, dashboard }) => {
    await dashboard.logInAs('viewer', `/admin/tenants?search=${ACME}`);
    await page.getByRole('button', { name: `Actions of ${ACME}` }).click();
    await expect(page.getByRole('menuitem')).toHaveText(['API keys', 'Budgets', 'Tags']);
    await expect(page.getByRole('button', { name: 'New tenant' })).toHaveCount(0);
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Account' }).click();
    await page.getByRole('menuitem', { name: 'Log out' }).click();
    await dashboard.logInAs('operator', `/admin/tenants?search=${ACME}`);
    await page.getByRole('button', { name: `Actions of ${ACME}` }).click();
    await expect(page.getByRole('menuitem', { name: 'Rate limits' })).toBeVisible();
    await expect(page.getByRole('menuitem', { name: 'Close' })).toHaveCount(0);
});

test.describe('with answers that refuse', () => {
    test.use({ expectedErrors: { patterns: [/status of 40[04]/] } });

    test('what the server refuses stands with its field', async ({ page, dashboard }) => {
        await page.emulateMedia({ reducedMotion: 'reduce', colorScheme: 'dark' });
        await dashboard.logIn('/admin/tenants');
        await page.getByRole('button', { name: 'New tenant' }).click();
        const dialog = page.getByRole('dialog');
        await dialog.getByRole('textbox', { name: 'Name' }).fill(ACME);
        await dialog.getByRole('button', { name: 'Create' }).click();
        await refuses(dialog, 'Name', /already exists/);
        await dashboard.isAccessible();
        await dialog.getByRole('textbox', { name: 'Name' }).fill('Nowhere');
        await dialog.getByLabel('Time zone').fill('Mars/Olympus');
        await dialog.getByRole('button', { name: 'Create' }).click();
        await refuses(dialog, 'Time zone', /timeZone/);
        await page.keyboard.press('Escape');
        await expect(dialog).toHaveCount(0);
    });

    test('what is refused when it is confirmed is told there', async ({ page, dashboard }) => {
        const caller = await makeCaller('Gone before');
        await dashboard.logIn('/admin/tenants?search=gone');
        await choose(page, caller.name, 'Close');
        const dialog = page.getByRole('dialog');
        await dialog.getByRole('textbox').fill(caller.name);
        // Only now: with its row, the list would take the dialog away.
        await admin().DELETE('/admin/tenant/{id}', { params: { path: { id: caller.tenantId } } });
        await dialog.getByRole('button', { name: 'Close the tenant' }).click();
        await expect(dialog.getByRole('alert')).toHaveText('Tenant not found');
    });

    test('limits that can no longer be set are told of', async ({ page, dashboard }) => {
        const caller = await makeCaller('Gone meanwhile');
        await dashboard.logIn('/admin/tenants?search=meanwhile');
        await choose(page, caller.name, 'Rate limits');
        const dialog = page.getByRole('dialog');
        await dialog.getByLabel('Requests a minute').fill('9');
        await admin().DELETE('/admin/tenant/{id}', { params: { path: { id: caller.tenantId } } });
        await dialog.getByRole('button', { name: 'Save' }).click();
        await expect(dialog.getByRole('alert')).toHaveText('Tenant not found');
    });
});
