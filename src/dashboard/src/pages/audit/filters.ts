import type { Schemas } from '~/api/client';
import type { paths } from '~/api/schema';

type Query = NonNullable<paths['/admin/audit']['get']['parameters']['query']>;
type ActorKind = Schemas['AuditActorBody']['kind'];

/** Kinds of actors, with what they are called. */
export const ACTORS: Record<ActorKind, string> = {
    admin_key: 'the admin key',
    user: 'any user',
    command_line: 'the command line',
    system: 'the system',
    unknown: 'somebody unknown',
};

export const FILTERS = ['actor', 'actorId', 'action', 'target', 'targetId'];

export function isActor(text: string | null): text is ActorKind {
    return text !== null && text in ACTORS;
}

/** What the address asks the log for. */
export function queryOf(params: URLSearchParams): Query {
    const text = (name: string) => params.get(name) ?? undefined;
    const actor = params.get('actor');
    const actorId = params.get('actorId');
    const target = text('target');
    return {
        actor: isActor(actor) ? actor : undefined,
        actorId: actorId !== null && /^\d{1,15}$/.test(actorId) ? Number(actorId) : undefined,
        action: text('action'),
        target,
        // The number of nothing in particular means nothing.
        targetId: target === undefined ? undefined : text('targetId'),
        // Each page goes on from the end of the one before.
        before: text('page'),
    };
}
