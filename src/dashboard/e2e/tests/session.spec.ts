import { ADMIN_KEY, PASSWORD } from '../support/gateway';
import { expect, test } from '../support/test';

test('a wrong admin key is refused, and the right one lets in', async ({ page, dashboard }) => {
    await dashboard.open();
    await page.getByRole('tab', { name: 'Admin key' }).click();
    await page.getByLabel('Admin key').last().fill('wrong');
    await page.getByRole('button', { name: 'Log in' }).click();
    await expect(page.getByRole('alert')).toBeVisible();
    await page.getByLabel('Admin key').last().fill(ADMIN_KEY);
    await page.keyboard.press('Enter');
    await dashboard.shows('Budget health');
});

test('no script can read the cookie, and nothing secret is stored', async ({ page, dashboard }) => {
    await dashboard.logIn();
    const kept = await page.evaluate(() => document.cookie + JSON.stringify(localStorage));
    expect(kept).not.toContain('budgetguard=');
    expect(kept).not.toContain(ADMIN_KEY);
});

test('logging out ends the session on the server too', async ({ page, dashboard }) => {
    await dashboard.logInAs('viewer');
    await page.getByRole('button', { name: 'Account' }).click();
    await page.getByRole('menuitem', { name: 'Log out' }).click();
    await expect(page.getByRole('button', { name: 'Log in' })).toBeVisible();
    await page.reload();
    await expect(page.getByRole('button', { name: 'Log in' })).toBeVisible();
});

test('a session that ends shows the log-in and then the same place', async ({
    page,
    dashboard,
}) => {
    await dashboard.logInAs('operator', '/usage-tracking?status=success');
    await dashboard.shows('Usage ledger');
    await page.context().clearCookies();
    await expect(page.getByText('Your session has ended')).toBeVisible();
    await page.getByLabel('Name', { exact: false }).last().fill('operator');
    await page.getByLabel('Password').last().fill(PASSWORD);
    await page.getByRole('button', { name: 'Log in' }).click();
    await dashboard.shows('Usage ledger');
    expect(page.url()).toContain('/usage-tracking?status=success');
});

test.describe('with answers that refuse', () => {
    test.use({ expectedErrors: { patterns: [/status of 400/] } });

    test('a user may change the password, and a bad one is told', async ({ page, dashboard }) => {
        await dashboard.logInAs('admin');
        await page.getByRole('button', { name: 'Account' }).click();
        await page.getByRole('menuitem', { name: 'Change the password' }).click();
        const dialog = page.getByRole('dialog', { name: 'Change the password' });
        await dialog.getByLabel('Present password').fill(PASSWORD);
        await dialog.getByLabel('New password').fill('short');
        await dialog.getByRole('button', { name: 'Change' }).click();
        await expect(dialog.getByRole('alert')).toBeVisible();
        await dialog.getByLabel('New password').fill(PASSWORD);
        await dialog.getByRole('button', { name: 'Change' }).click();
        await expect(dialog).toHaveCount(0);
        await dashboard.shows('Budget health');
    });
});
