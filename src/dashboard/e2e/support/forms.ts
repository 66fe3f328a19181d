import { expect, type Locator, type Page } from '@playwright/test';

/** Takes an entry of the menu of a row. */
export async function choose(page: Page, row: string, action: string): Promise<void> {
    await page.getByRole('button', { name: `Actions of ${row}`, exact: true }).click();
    await page.getByRole('menuitem', { name: action }).click();
}

/** Picks an option of a list that a form has. */
export async function pick(form: Locator, label: string, option: string): Promise<void> {
    await form.getByRole('combobox', { name: label }).click();
    await form.page().getByRole('option', { name: option }).click();
}

/** Fails unless a message stands with a field, and nowhere else. */
export async function refuses(form: Locator, label: string, message: RegExp): Promise<void> {
    await expect(form.getByRole('alert')).toHaveText(message);
    await expect(form.getByLabel(label)).toHaveAttribute('aria-invalid', 'true');
    await expect(form.getByLabel(label)).toHaveAccessibleDescription(message);
}
