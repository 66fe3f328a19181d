import type { Schemas } from '~/api/client';

export type Tag = Schemas['TagInTreeBody'];

/** A tag in its place. */
export interface Branch {
    tag: Tag;
    depth: number;
    hasChildren: boolean;
}

/** Tags from the top down, each below its parent; what is below a folded one is left out. */
export function branchesOf(tags: Tag[], folded: ReadonlySet<number>): Branch[] {
    const below = new Map<number | null, Tag[]>();
    for (const tag of tags) below.set(tag.parentId, [...(below.get(tag.parentId) ?? []), tag]);
    const branches: Branch[] = [];
    const walk = (parent: number | null, depth: number) => {
        for (const tag of below.get(parent) ?? []) {
            branches.push({ tag, depth, hasChildren: below.has(tag.id) });
            if (!folded.has(tag.id)) walk(tag.id, depth + 1);
        }
    };
    walk(null, 0);
    return branches;
}

/** Tags that one may be moved under: all but itself and those below it. */
export function parentsFor(tag: Tag | null, tags: Tag[]): Tag[] {
    if (tag === null) return tags;
    return tags.filter(({ id, path }) => id !== tag.id && !path.startsWith(`${tag.path}/`));
}
