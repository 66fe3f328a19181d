import { admin, call, gatewayUrl, given, ledgerOf, makeCaller } from '../support/gateway';
import { choose, refuses } from '../support/forms';
import { expect, test } from '../support/test';

// Whole stories take longer than single steps.
test.describe.configure({ timeout: 90_000 });

test('a key is made, shown once, copied, used and revoked', async ({ page, dashboard }) => {
    await page.emulateMedia({ reducedMotion: 'reduce' });
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    const caller = await makeCaller('Locksmith');
    await dashboard.logIn(`/admin/keys?tenant=${caller.tenantId}`);
    await page.getByRole('button', { name: 'New key' }).click();
    const dialog = page.getByRole('dialog', { name: 'New key of Locksmith' });
    await dialog.getByLabel('Name').fill('night batch');
    await dashboard.isAccessible();
    await dialog.getByRole('button', { name: 'Create' }).click();

    const made = page.getByRole('dialog', { name: 'The new key' });
    const key = given(await made.getByTestId('new-key').textContent());
    await dashboard.isAccessible();
    await page.keyboard.press('Escape');
    await expect(made).toBeVisible();
    await made.getByRole('button', { name: 'Copy the key' }).click();
    await expect(made.getByRole('button', { name: 'Copied', exact: true })).toBeVisible();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(key);
    await made.getByRole('button', { name: 'I have copied it' }).click();
    await expect(made).toHaveCount(0);
    expect(await page.content()).not.toContain(key);
    const row = page.getByRole('row').filter({ hasText: 'night batch' });
    await expect(row).toContainText(key.slice(0, 6));
    await expect(row).toContainText('never');

    expect(await call({ ...caller, key })).toBe(200);
    await choose(page, 'night batch', 'Revoke');
    const revoked = page.getByRole('dialog', { name: 'Revoke night batch?' });
    await expect(revoked).toContainText('open streams end within a second');
    await dashboard.isAccessible();
    await revoked.getByRole('button', { name: 'Revoke the key' }).click();
    await expect(row).toContainText('revoked');
    expect(await call({ ...caller, key })).toBe(401);
    await page.getByRole('combobox', { name: 'State' }).click();
    await page.getByRole('option', { name: 'active' }).click();
    await expect(page).toHaveURL(/state=active/);
    await expect(row).toHaveCount(0);
});

test('revoking a key ends its open streams at once', async ({ page, dashboard }) => {
    const caller = await makeCaller('Streaming');
    const name = `key of ${caller.name}`;
    await dashboard.logIn(`/admin/keys?tenant=${caller.tenantId}`);
    await choose(page, name, 'Revoke');
    const answer = await fetch(`${gatewayUrl()}/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${caller.key}`, 'content-type': 'application/json' },
        body: JSON.stringify({
            model: 'gpt-4o-mini',
            max_tokens: 400,
            stream: true,
            // By itself it would go on for longer than a test may take.
            messages: [
                { role: 'user', content: '[[sim output=400 chunks=400 delay_ms=500]] Count.' },
            ],
        }),
    });
    expect(answer.status).toBe(200);
    const text = answer.text();
    await page.getByRole('button', { name: 'Revoke the key' }).click();
    const ended = await text;
    expect(ended).toContain('invalid_api_key');
    expect(ended).not.toContain('[DONE]');
    const [row] = await ledgerOf(caller.tenantId, 1);
    expect(given(row).status).toBe('aborted');
});

test('a key has rate limits, budgets and requests of its own', async ({ page, dashboard }) => {
    const caller = await makeCaller('Limited');
    const name = `key of ${caller.name}`;
    await dashboard.logIn(`/admin/keys?tenant=${caller.tenantId}`);
    await choose(page, name, 'Rate limits');
    const dialog = page.getByRole('dialog', { name: `Rate limits of ${name}` });
    await dialog.getByLabel('Requests a minute').fill('1');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await expect(dialog).toHaveCount(0);
    expect([await call(caller), await call(caller)]).toEqual([200, 429]);
    await choose(page, name, 'Rate limits');
    await expect(dialog.getByLabel('Requests a minute')).toHaveValue('1');
    await dialog.getByLabel('Requests a minute').fill('');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await expect(dialog).toHaveCount(0);
    expect(await call(caller)).toBe(200);
    await choose(page, name, 'Budgets');
    await dashboard.shows('Budgets');
    await expect(page.getByRole('combobox', { name: 'Key' })).toContainText(name);
    await page.goBack();
    await choose(page, name, 'Requests');
    await dashboard.shows('Usage ledger');
    await expect(page).toHaveURL(/keyId=\d/);
});

test('a viewer is offered no change, and a tenant without a key says so', async ({
    page,
    dashboard,
}) => {
    const body = { name: 'Keyless' };
    const tenant = given((await admin().POST('/admin/tenant', { body })).data);
    const caller = await makeCaller('Watched');
    await dashboard.logInAs('viewer', `/admin/keys?tenant=${tenant.id}`);
    await expect(page.getByText('There is no such key')).toBeVisible();
    await dashboard.open(`/admin/keys?tenant=${caller.tenantId}`);
    await page.getByRole('button', { name: 'Actions of' }).click();
    await expect(page.getByRole('menuitem')).toHaveText(['Budgets', 'Requests']);
    await expect(page.getByRole('button', { name: 'New key' })).toHaveCount(0);
});

test.describe('with answers that refuse', () => {
    test.use({ expectedErrors: { patterns: [/status of 40[04]/] } });

    test('what the server refuses is told', async ({ page, dashboard }) => {
        await page.emulateMedia({ reducedMotion: 'reduce', colorScheme: 'dark' });
        const caller = await makeCaller('Refused keys');
        await dashboard.logIn(`/admin/keys?tenant=${caller.tenantId}`);
        await page.getByRole('button', { name: 'New key' }).click();
        const dialog = page.getByRole('dialog');
        await dialog.getByLabel('Name').fill('a\u0007bell');
        await dialog.getByRole('button', { name: 'Create' }).click();
        await refuses(dialog, 'Name', /printable characters/);
        await dialog.getByLabel('Name').fill('in vain');
        const params = { path: { id: caller.tenantId } };
        await admin().DELETE('/admin/tenant/{id}', { params });
        await dialog.getByRole('button', { name: 'Create' }).click();
        await expect(dialog.getByRole('alert')).toHaveText('Tenant not found');
        await dashboard.isAccessible();
    });
});
