import { acmeId, admin, call, given, ledgerOf, makeCaller } from '../support/gateway';
import { choose, pick, refuses } from '../support/forms';
import { expect, test } from '../support/test';

// Whole stories take longer than single steps.
test.describe.configure({ timeout: 90_000 });

/** Makes tags of a tenant, each below the one before. */
async function makeTags(id: number, ...names: string[]): Promise<number[]> {
    const ids: number[] = [];
    for (const name of names) {
        const body = { name, parentId: ids.at(-1) };
        const params = { path: { id } };
        const made = await admin().POST('/admin/tenant/{id}/tags', { params, body });
        ids.push(given(made.data).id);
    }
    return ids;
}

test('a tag is made, added to, moved, renamed, deactivated and deleted', async ({
    page,
    dashboard,
}) => {
    await page.emulateMedia({ reducedMotion: 'reduce' });
    const caller = await makeCaller('Gardener');
    await dashboard.logIn(`/admin/tags?tenant=${caller.tenantId}`);
    await expect(page.getByText('There is no tag yet')).toBeVisible();
    await expect(page.getByText('There is no rule yet')).toBeVisible();
    const dialog = page.getByRole('dialog');
    await page.getByRole('button', { name: 'New tag' }).click();
    await dialog.getByRole('textbox', { name: 'Name' }).fill('plants');
    await dialog.getByLabel('Colour').fill('#2e7d32');
    await dialog.getByLabel('Description').fill('all that grows');
    await dialog.getByLabel('Budget of a session').fill('0.5');
    await dashboard.isAccessible();
    await dialog.getByRole('button', { name: 'Create' }).click();
    const table = page.getByRole('table', { name: 'Tags' });
    await expect(table).toContainText('all that grows');
    await expect(table).toContainText('$0.50');

    await choose(page, 'plants', 'Add below');
    await dialog.getByRole('textbox', { name: 'Name' }).fill('trees');
    await dialog.getByRole('button', { name: 'Create' }).click();
    await expect(table).toContainText('plants/trees');
    const fold = table.getByRole('button', { name: 'Tags below plants' });
    await expect(fold).toHaveAttribute('aria-expanded', 'true');
    await fold.focus();
    await page.keyboard.press('Enter');
    await expect(fold).toHaveAttribute('aria-expanded', 'false');
    await expect(table).not.toContainText('plants/trees');
    await page.keyboard.press('Enter');

    await choose(page, 'plants/trees', 'Change or move');
    await dialog.getByRole('textbox', { name: 'Name' }).fill('wood');
    await pick(dialog, 'Stands under', 'no other tag');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await expect(dialog).toHaveCount(0);
    await expect(table.getByRole('rowheader', { name: 'wood', exact: true })).toBeVisible();

    await choose(page, 'wood', 'Deactivate');
    await expect(dialog).toContainText('no request may name it');
    await dialog.getByRole('button', { name: 'Deactivate the tag' }).click();
    await expect(table.getByRole('rowheader', { name: 'wood inactive' })).toBeVisible();
    await choose(page, 'wood', 'Activate');
    await dialog.getByRole('button', { name: 'Activate the tag' }).click();
    await expect(table).not.toContainText('inactive');

    await choose(page, 'wood', 'Delete');
    const button = dialog.getByRole('button', { name: 'Delete the tag' });
    await expect(button).toBeDisabled();
    await dialog.getByRole('textbox').fill('wood');
    await button.click();
    await expect(table).not.toContainText('wood');
});

test('a tag has budgets, which are made, changed and deleted', async ({ page, dashboard }) => {
    await page.emulateMedia({ reducedMotion: 'reduce' });
    const caller = await makeCaller('Budgeted tags');
    await makeTags(caller.tenantId, 'docs');
    const headers = { 'x-tags': 'docs' };
    await dashboard.logIn(`/admin/tags?tenant=${caller.tenantId}`);
    await choose(page, 'docs', 'Budgets');
    await expect(page).toHaveURL(/tag=\d/);
    const drawer = page.getByRole('dialog', { name: 'Budgets of docs' });
    await expect(drawer).toContainText('It has no budget yet');
    await drawer.getByRole('button', { name: 'New budget' }).click();
    const made = page.getByRole('dialog', { name: 'New budget of docs' });
    await made.getByLabel('Limit in dollars').fill('0.000001');
    await made.getByLabel('Weight').fill('0.5');
    await pick(made, 'Requests of tags below', 'strict');
    await dashboard.isAccessible();
    await made.getByRole('button', { name: 'Create' }).click();
    await expect(made).toHaveCount(0);
    const row = drawer.getByRole('table').getByRole('row').last();
    await expect(row).toContainText('monthly');
    await expect(row).toContainText('0.5');
    await expect(row).toContainText('strict');
    expect(await call(caller, { headers })).toBe(402);

    await choose(page, 'the monthly budget of $0.000001', 'Change');
    const changed = page.getByRole('dialog', { name: 'Change the budget' });
    await expect(changed.getByRole('combobox', { name: 'Period' })).toBeDisabled();
    await changed.getByLabel('Limit in dollars').fill('40');
    await changed.getByRole('button', { name: 'Save' }).click();
    await expect(row).toContainText('$40.00');
    expect(await call(caller, { headers })).toBe(200);
    await dashboard.isAccessible();

    await choose(page, 'the monthly budget of $40.00', 'Delete');
    const deleted = page.getByRole('dialog', { name: 'Delete the monthly budget of $40.00?' });
    await deleted.getByRole('button', { name: 'Delete the budget' }).click();
    await expect(drawer).toContainText('It has no budget yet');
    await drawer.getByRole('button', { name: 'Close' }).click();
    await expect(page).not.toHaveURL(/tag=\d/);
});

test('a rule gives tags to requests, and is changed and deleted', async ({ page, dashboard }) => {
    await page.emulateMedia({ reducedMotion: 'reduce' });
    const caller = await makeCaller('Tagged by rule');
    await makeTags(caller.tenantId, 'batch', 'night');
    await dashboard.logIn(`/admin/tags?tenant=${caller.tenantId}`);
    await page.getByRole('button', { name: 'New rule' }).click();
    const made = page.getByRole('dialog', { name: 'New tagging rule' });
    await made.getByRole('textbox', { name: 'Name' }).fill('night jobs');
    await made.getByLabel('Priority').fill('10');
    await made.getByLabel('Only these models').fill('gpt-4o*');
    await made.getByLabel('Only with these headers').fill('x-team: search, ads*');
    await made.getByLabel('Only these keys').click();
    await page.getByRole('option', { name: `key of ${caller.name}` }).click();
    await pick(made, 'Tag 1', 'batch/night');
    await made.getByLabel('Weight 1').fill('0.25');
    await made.getByRole('button', { name: 'Another tag' }).click();
    await made.getByRole('button', { name: 'Take tag 2 out' }).click();
    await dashboard.isAccessible();
    await made.getByRole('button', { name: 'Create' }).click();
    await expect(made).toHaveCount(0);
    const table = page.getByRole('table', { name: 'Tagging rules' });
    await expect(table).toContainText('batch/night × 0.25');
    await expect(table).toContainText(
        `model gpt-4o*; key key of ${caller.name}; x-team ads* or search`,
    );
    expect(await call(caller, { headers: { 'x-team': 'ads-1' } })).toBe(200);
    const [row] = await ledgerOf(caller.tenantId, 1);
    expect(given(row).tags.map(({ path }) => path)).toEqual(['batch/night']);

    await choose(page, 'the rule night jobs', 'Change');
    const changed = page.getByRole('dialog', { name: 'Change the rule night jobs' });
    await expect(changed.getByLabel('Only with these headers')).toHaveValue('x-team: ads*, search');
    await changed.getByLabel('Priority').fill('20');
    await changed.getByLabel('Active').click();
    await changed.getByRole('button', { name: 'Save' }).click();
    await expect(table).toContainText('inactive');
    await expect(table).toContainText('20');

    await choose(page, 'the rule night jobs', 'Delete');
    await page.getByRole('button', { name: 'Delete the rule' }).click();
    await expect(page.getByText('There is no rule yet')).toBeVisible();
});

test('a viewer sees tags and their budgets, and is offered no change', async ({
    page,
    dashboard,
}) => {
    await dashboard.logInAs('viewer', `/admin/tags?tenant=${acmeId()}`);
    await expect(page.getByRole('rowheader', { name: 'product/search' })).toBeVisible();
    await expect(page.getByRole('button', { name: /^New / })).toHaveCount(0);
    await page.getByRole('button', { name: 'Actions of product', exact: true }).click();
    await expect(page.getByRole('menuitem')).toHaveText(['Budgets']);
    await page.getByRole('menuitem').click();
    const drawer = page.getByRole('dialog', { name: 'Budgets of product' });
    await expect(drawer).toContainText('$50.00');
    await expect(drawer.getByRole('button', { name: /New budget|Actions of/ })).toHaveCount(0);
});

test.describe('with answers that refuse', () => {
    test.use({ expectedErrors: { patterns: [/status of 40[04]/] } });

    test('what the server refuses stands with its field', async ({ page, dashboard }) => {
        await page.emulateMedia({ reducedMotion: 'reduce', colorScheme: 'dark' });
        const caller = await makeCaller('Refused tags');
        await makeTags(caller.tenantId, 'one', 'two');
        await dashboard.logIn(`/admin/tags?tenant=${caller.tenantId}`);
        const dialog = page.getByRole('dialog');
        await page.getByRole('button', { name: 'New tag' }).click();
        await dialog.getByRole('textbox', { name: 'Name' }).fill('two');
        await dialog.getByRole('button', { name: 'Create' }).click();
        await refuses(dialog, 'Name', /already exists/);
        await dashboard.isAccessible();
        await page.keyboard.press('Escape');
        await choose(page, 'one', 'Delete');
        await dialog.getByRole('textbox').fill('one');
        await dialog.getByRole('button', { name: 'Delete the tag' }).click();
        await expect(dialog.getByRole('alert')).toContainText('Delete children first');
        await expect(dialog.getByRole('button', { name: 'Delete the tag' })).toBeFocused();
        await page.keyboard.press('Escape');

        await page.getByRole('button', { name: 'New rule' }).click();
        await dialog.getByRole('textbox', { name: 'Name' }).fill('bad');
        await dialog.getByLabel('Only these models').fill('[x');
        await dialog.getByRole('button', { name: 'Create' }).click();
        await refuses(dialog, 'Only these models', /models/);
        await dialog.getByLabel('Only these models').fill('');
        await dialog.getByLabel('Weight 1').fill('0.12345678');
        await dialog.getByRole('button', { name: 'Create' }).click();
        await refuses(dialog, 'Weight 1', /weight/);
        await page.keyboard.press('Escape');

        await choose(page, 'one', 'Budgets');
        await page.getByRole('button', { name: 'New budget' }).click();
        const budget = page.getByRole('dialog', { name: 'New budget of one' });
        await budget.getByLabel('Limit in dollars').fill('1');
        await budget.getByLabel('Weight').fill('0.12345678');
        await budget.getByRole('button', { name: 'Create' }).click();
        await refuses(budget, 'Weight', /weight/);
    });
});
