import { admin, call, given, ledgerOf, makeCaller, type Caller } from '../support/gateway';
import { expect, test } from '../support/test';

const ALLOWS = `package budgetguard.policy

default allow := true
`;
/** Nothing but the small model. */
const ONLY_MINI = `package budgetguard.policy

default allow := false

allow if input.model == "gpt-4o-mini"

reason := "only the small model" if input.model != "gpt-4o-mini"
`;

async function keep(caller: Caller, text: string, comment: string): Promise<number> {
    const made = await admin().POST('/admin/tenant/{id}/policy-bundles', {
        params: { path: { id: caller.tenantId } },
        body: { files: { 'rules.rego': text }, comment },
    });
    return given(made.data).version;
}

test('a version is written, tested on recorded requests, saved, and put in force', async ({
    page,
    dashboard,
}) => {
    const caller = await makeCaller('Ruled');
    await call(caller, { model: 'gpt-4o-mini' });
    await call(caller, { model: 'gpt-4o' });
    await ledgerOf(caller.tenantId, 2);
    await dashboard.logInAs('operator', `/policies?tenant=${caller.tenantId}`);
    await expect(page.getByText('The tenant has no rules of its own')).toBeVisible();
    await expect(page.getByText('the rules that are built in')).toBeVisible();
    await page.getByRole('button', { name: 'New version' }).click();
    await page.getByLabel('Rules in Rego').fill(ONLY_MINI);
    await page.getByRole('button', { name: 'Test on recorded requests' }).click();
    const answer = page.getByRole('region', { name: 'Answer' });
    await expect(answer.getByRole('status')).toContainText('1 of 2 requests');
    const reasons = answer.getByRole('table', { name: 'Why they would have been refused' });
    await expect(reasons.getByRole('row', { name: 'policy denied' })).toContainText('1');
    await page.getByLabel('Comment').fill('small only');
    await page.getByRole('button', { name: 'Save as a new version' }).click();
    await expect(page).toHaveURL(/version=1/);
    await page.getByRole('button', { name: 'Try the last 2 requests' }).click();
    await expect(page.getByText('1 of 2 requests would be refused')).toBeVisible();
    await expect(page.getByText('only the small model', { exact: true })).toBeVisible();
    await dashboard.isAccessible();
    expect(await call(caller, { model: 'gpt-4o' })).toBe(200);
    await page.getByRole('button', { name: 'Activate version 1' }).click();
    const dialog = page.getByRole('dialog', { name: 'Put version 1 in force?' });
    await expect(dialog).toContainText('asked about every request of Ruled');
    await dialog.getByRole('button', { name: 'Activate' }).click();
    await expect(page.getByRole('row', { name: 'small only' })).toContainText('in force');
    expect(await call(caller, { model: 'gpt-4o' })).toBe(403);
    expect(await call(caller, { model: 'gpt-4o-mini' })).toBe(200);
    const [last] = await ledgerOf(caller.tenantId, 5);
    await expect(page.getByText(given(last?.policy).hash)).toBeVisible({ timeout: 15_000 });
});

test('what is in force is rolled back, and taken out of force', async ({ page, dashboard }) => {
    const caller = await makeCaller('Back and forth');
    const params = { path: { id: caller.tenantId } };
    for (const [text, comment] of [
        [ALLOWS, 'the open one'],
        [ONLY_MINI, 'the strict one'],
    ] as const) {
        const version = await keep(caller, text, comment);
        await admin().POST('/admin/tenant/{id}/policy-bundles/{version}/activate', {
            params: { path: { ...params.path, version } },
        });
    }
    expect(await call(caller, { model: 'gpt-4o' })).toBe(403);
    await dashboard.logInAs('operator', `/policies?tenant=${caller.tenantId}`);
    await page.getByRole('button', { name: 'Roll back' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Roll back' }).click();
    await expect(page.getByRole('row', { name: 'the open one' })).toContainText('in force');
    expect(await call(caller, { model: 'gpt-4o' })).toBe(200);
    await page.getByRole('button', { name: 'Deactivate' }).click();
    const dialog = page.getByRole('dialog', { name: 'Take version 1 out of force?' });
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await expect(page.getByRole('row', { name: 'the open one' })).toContainText('in force');
    await page.getByRole('button', { name: 'Deactivate' }).click();
    await dialog.getByRole('button', { name: 'Deactivate' }).click();
    await expect(page.getByRole('button', { name: 'Deactivate' })).toHaveCount(0);
    await expect(page.getByText('in force', { exact: true })).toHaveCount(0);
});

test.describe('with rules that are wrong', () => {
    test.use({ expectedErrors: { patterns: [/status of 400/] } });

    test('the line is shown where they are wrong, with what is wrong', async ({
        page,
        dashboard,
    }) => {
        const caller = await makeCaller('Mistaken');
        await dashboard.logInAs('operator', `/policies?tenant=${caller.tenantId}&version=new`);
        const editor = page.getByLabel('Rules in Rego');
        const wrong = 'package budgetguard.policy\n\nallow if no_such_function(1)\n';
        await editor.fill(wrong);
        for (const button of ['Test on recorded requests', 'Save as a new version']) {
            await page.getByRole('button', { name: button }).click();
            await expect(page.getByRole('alert')).toContainText("Unknown function: 'no_such_func");
            await expect(editor).toHaveAttribute('aria-invalid', 'true');
            await expect(editor).toBeFocused();
            const cursor = await editor.evaluate(
                (area: HTMLTextAreaElement) => area.selectionStart,
            );
            expect(wrong.slice(0, cursor).split('\n')).toHaveLength(3);
            await expect(page.getByTestId('marked-line')).toBeVisible();
            await editor.press('End');
            await editor.pressSequentially(' ');
            await expect(page.getByRole('alert')).toHaveCount(0);
        }
    });

    test('it is wrong in one file of several: that one is shown', async ({ page, dashboard }) => {
        const caller = await makeCaller('Many files');
        await dashboard.logInAs('operator', `/policies?tenant=${caller.tenantId}&version=new`);
        await page.getByRole('button', { name: 'Add a file' }).click();
        const dialog = page.getByRole('dialog', { name: 'Add a file' });
        await dialog.getByLabel('Name').fill('policy.rego');
        await dialog.getByRole('button', { name: 'Add', exact: true }).click();
        await expect(dialog.getByRole('alert')).toContainText('There is a file policy.rego');
        await dialog.getByLabel('Name').fill('more.rego');
        await dialog.getByRole('button', { name: 'Add', exact: true }).click();
        await page
            .getByLabel('Rules in Rego: more.rego')
            .fill('package budgetguard.policy\nx := (');
        await expect(
            page.getByText('Only rules of one file can be tested before they are saved.'),
        ).toBeVisible();
        await page.getByRole('tab', { name: 'policy.rego' }).click();
        await page.getByRole('button', { name: 'Save as a new version' }).click();
        await expect(page.getByRole('tab', { name: 'more.rego', selected: true })).toBeVisible();
        await expect(page.getByRole('alert')).toContainText('more.rego:2:');
        await page.getByRole('button', { name: 'Remove more.rego' }).click();
        await page.getByRole('button', { name: 'Save as a new version' }).click();
        await expect(page).toHaveURL(/version=1/);
    });

    test('nothing was in force before: the server says so in the dialog', async ({
        page,
        dashboard,
    }) => {
        const caller = await makeCaller('First of all');
        const version = await keep(caller, ALLOWS, 'the first');
        await admin().POST('/admin/tenant/{id}/policy-bundles/{version}/activate', {
            params: { path: { id: caller.tenantId, version } },
        });
        await dashboard.logInAs('operator', `/policies?tenant=${caller.tenantId}`);
        await page.getByRole('button', { name: 'Roll back' }).click();
        const dialog = page.getByRole('dialog');
        await dialog.getByRole('button', { name: 'Roll back' }).click();
        await expect(dialog.getByRole('alert')).toContainText('No version was in force before');
    });

    test('what is no module is refused', async ({ page, dashboard }) => {
        const caller = await makeCaller('Compiled');
        await dashboard.logInAs('operator', `/policies?tenant=${caller.tenantId}&version=new`);
        await expect(page.getByLabel('Rules in Rego')).toBeVisible();
        await page.getByLabel('Files of rules').setInputFiles({
            name: 'policy.wasm',
            mimeType: 'application/wasm',
            buffer: Buffer.from('no module'),
        });
        await expect(page.getByText('The compiled module policy.wasm')).toBeVisible();
        await page.getByRole('button', { name: 'Save as a new version' }).click();
        await expect(page.getByText('module cannot be used')).toBeVisible();
        await page.getByLabel('Files of rules').setInputFiles({
            name: 'from-disk.rego',
            mimeType: 'text/plain',
            buffer: Buffer.from(ALLOWS),
        });
        await page.getByRole('button', { name: 'Drop it' }).click();
        await expect(page.getByLabel('Rules in Rego: from-disk.rego')).toHaveValue(ALLOWS);
    });
});

test('an input is written by hand, and what is no JSON is told', async ({ page, dashboard }) => {
    const caller = await makeCaller('By hand');
    const version = await keep(caller, ONLY_MINI, 'strict');
    await dashboard.logInAs('viewer', `/policies?tenant=${caller.tenantId}&version=${version}`);
    await page.getByRole('button', { name: 'Write an input' }).click();
    const input = page.getByLabel('Input (JSON)');
    await input.fill('{ "model": ');
    await page.getByRole('button', { name: 'Try this input' }).click();
    await expect(page.getByRole('alert')).toContainText('JSON');
    await input.fill('{ "model": "gpt-4o" }');
    await page.getByRole('button', { name: 'Try this input' }).click();
    await expect(page.getByRole('status', { name: 'Decision' })).toContainText('denied');
    await expect(page.getByRole('status', { name: 'Decision' })).toContainText('only the small');
    await input.fill('{ "model": "gpt-4o-mini" }');
    await page.getByRole('button', { name: 'Try this input' }).click();
    await expect(page.getByRole('status', { name: 'Decision' })).toContainText('allowed');
});

test('a viewer reads rules and tries them, and is offered no change', async ({
    page,
    dashboard,
}) => {
    const caller = await makeCaller('Looked at');
    const version = await keep(caller, ALLOWS, 'to be read');
    await dashboard.logInAs('viewer', `/policies?tenant=${caller.tenantId}`);
    await page.getByRole('button', { name: `Open version ${version}` }).click();
    await expect(page.getByLabel('Rules in Rego')).toHaveValue(ALLOWS);
    await expect(page.getByLabel('Rules in Rego')).toHaveAttribute('readonly');
    await expect(page.getByText('The tenant has no recorded request yet')).toBeVisible();
    await expect(
        page.getByRole('button', { name: /Save|Activate|Deactivate|Roll|New version|Add|Take/ }),
    ).toHaveCount(0);
});
