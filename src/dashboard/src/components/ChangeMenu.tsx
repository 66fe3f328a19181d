import { useState, type ReactNode } from 'react';

import { RowMenu } from './RowMenu';

interface ChangeMenuProps {
    /** What the row is about. */
    of: string;
    mayChange: boolean;
    /** The dialog in which it is changed, and the one in which it is deleted. */
    change: (onClose: () => void) => ReactNode;
    remove: (onClose: () => void) => ReactNode;
}

/** Changes or deletes what a row is about. */
export function ChangeMenu({ of, mayChange, change, remove }: ChangeMenuProps) {
    const [doing, setDoing] = useState<'changing' | 'deleting' | null>(null);
    const onClose = () => {
        setDoing(null);
    };
    return (
        <>
            <RowMenu
                of={of}
                actions={{
                    'Change…':
                        mayChange &&
                        (() => {
                            setDoing('changing');
                        }),
                    'Delete…':
                        mayChange &&
                        (() => {
                            setDoing('deleting');
                        }),
                }}
            />
            {doing === 'changing' && change(onClose)}
            {doing === 'deleting' && remove(onClose)}
        </>
    );
}
