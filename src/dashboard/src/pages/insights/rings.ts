import type { SunburstData } from 'recharts/types/chart/SunburstChart';

import type { Schemas } from '~/api/client';

type Node = Schemas['TagNodeBody'];

/** A part of the circle; `value` says how wide it is and is shown to nobody. */
interface Ring extends SunburstData {
    value: number;
}

function ringOf(node: Node, colorOf: (tag: number) => string): Ring {
    const children = node.children.filter(hasUsage).map((child) => ringOf(child, colorOf));
    return {
        name: node.name,
        // A request may name several tags: what is inside may come to more than what is around it.
        value: Math.max(node.usage, widthOf(children)),
        fill: colorOf(node.id),
        children,
    };
}

function hasUsage(node: Node): boolean {
    return node.usage > 0;
}

function widthOf(rings: Ring[]): number {
    return rings.reduce((width, ring) => width + ring.value, 0);
}

/** A tree of tags as rings around the middle. */
export function ringsOf(tree: Node[], colorOf: (tag: number) => string): SunburstData {
    const children = tree.filter(hasUsage).map((node) => ringOf(node, colorOf));
    return { name: 'Tags', value: widthOf(children), children };
}
