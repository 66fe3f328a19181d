import { admin, PASSWORD } from '../support/gateway';
import { choose, pick, refuses } from '../support/forms';
import { expect, test } from '../support/test';

// Whole stories take longer than single steps.
test.describe.configure({ timeout: 90_000 });

const NEW_PASSWORD = 'another correct horse';

test('a user is made, changed, given a password, disabled and enabled', async ({
    page,
    dashboard,
    request,
}) => {
    await page.emulateMedia({ reducedMotion: 'reduce' });
    const logIn = async (name: string, password: string) => {
        const data = { name, password };
        return (await request.post(`${dashboard.url}/admin/session`, { data })).status();
    };
    await dashboard.logIn('/admin/users');
    await page.getByRole('button', { name: 'New user' }).click();
    const made = page.getByRole('dialog', { name: 'New user' });
    await made.getByRole('textbox', { name: 'Name' }).fill('Grace');
    await pick(made, 'Role', 'operator');
    await made.getByLabel('Password').fill(PASSWORD);
    await dashboard.isAccessible();
    await made.getByRole('button', { name: 'Create' }).click();
    await expect(made).toHaveCount(0);
    const row = page.getByRole('row').filter({ hasText: 'Grace' });
    await expect(row).toContainText('operator');
    await expect(row).toContainText('never');
    expect(await logIn('Grace', PASSWORD)).toBe(200);

    await choose(page, 'Grace', 'Name and role');
    const changed = page.getByRole('dialog', { name: 'Change Grace' });
    await changed.getByRole('textbox', { name: 'Name' }).fill('Grace H.');
    await pick(changed, 'Role', 'viewer');
    await changed.getByRole('button', { name: 'Save' }).click();
    await expect(row).toContainText('Grace H.');
    await expect(row).toContainText('viewer');

    await choose(page, 'Grace H.', 'New password');
    const password = page.getByRole('dialog', { name: 'New password of Grace H.' });
    await password.getByLabel('Password').fill(NEW_PASSWORD);
    await dashboard.isAccessible();
    await password.getByRole('button', { name: 'Set' }).click();
    await expect(password).toHaveCount(0);
    expect(await logIn('Grace H.', PASSWORD)).toBe(401);
    expect(await logIn('Grace H.', NEW_PASSWORD)).toBe(200);

    await choose(page, 'Grace H.', 'Disable');
    const disabled = page.getByRole('dialog', { name: 'Disable Grace H.?' });
    await expect(disabled).toContainText('logged out everywhere at once');
    await disabled.getByRole('button', { name: 'Disable the user' }).click();
    await expect(row).toContainText('disabled');
    expect(await logIn('Grace H.', NEW_PASSWORD)).toBe(401);
    await choose(page, 'Grace H.', 'Enable');
    await page.getByRole('button', { name: 'Enable the user' }).click();
    await expect(row).toContainText('active');
    expect(await logIn('Grace H.', NEW_PASSWORD)).toBe(200);
});

for (const role of ['viewer', 'operator'] as const) {
    test(`the pages of admins are not for ${role}s`, async ({ page, dashboard }) => {
        await dashboard.logInAs(role, '/admin/users');
        await dashboard.shows('Budget health');
        await expect(page.getByRole('link', { name: /Users|Audit log/ })).toHaveCount(0);
        await dashboard.open('/admin/audit');
        await dashboard.shows('Budget health');
    });
}

test.describe('with answers that refuse', () => {
    test.use({ expectedErrors: { patterns: [/status of 400/] } });

    test('what the server refuses stands with its field', async ({ page, dashboard }) => {
        await page.emulateMedia({ reducedMotion: 'reduce', colorScheme: 'dark' });
        await dashboard.logInAs('admin', '/admin/users');
        await page.getByRole('button', { name: 'New user' }).click();
        const dialog = page.getByRole('dialog');
        await dialog.getByRole('textbox', { name: 'Name' }).fill('VIEWER');
        await dialog.getByLabel('Password').fill(PASSWORD);
        await dialog.getByRole('button', { name: 'Create' }).click();
        await refuses(dialog, 'Name', /name/);
        await dashboard.isAccessible();
        // The browser counts what cannot be seen, too.
        await dialog.getByLabel('Password').fill('short');
        await dialog.getByRole('button', { name: 'Create' }).click();
        await expect(dialog.getByLabel('Password')).toBeFocused();
    });

    test('a taken name and a password that is too short are told of', async ({
        page,
        dashboard,
    }) => {
        const body = { name: 'Ada', role: 'viewer' as const, password: PASSWORD };
        await admin().POST('/admin/users', { body });
        await dashboard.logIn('/admin/users');
        const dialog = page.getByRole('dialog');
        await choose(page, 'Ada', 'Name and role');
        await dialog.getByRole('textbox', { name: 'Name' }).fill('operator');
        await dialog.getByRole('button', { name: 'Save' }).click();
        await refuses(dialog, 'Name', /already exists/);
        await page.keyboard.press('Escape');
        await choose(page, 'Ada', 'New password');
        // Twelve for the browser, which counts halves of them, and six for the server.
        await dialog.getByLabel('Password').fill('🔑🔑🔑🔑🔑🔑');
        await dialog.getByRole('button', { name: 'Set' }).click();
        await refuses(dialog, 'Password', /at least 12 characters/);
    });
});

test('without a user it is said how to log in', async ({ page, dashboard }) => {
    await page.route('**/admin/users', (route) => route.fulfill({ json: [] }));
    await dashboard.logIn('/admin/users');
    await expect(page.getByText('There is no user yet')).toBeVisible();
});
