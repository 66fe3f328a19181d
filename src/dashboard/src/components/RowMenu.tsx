import MoreVert from '@mui/icons-material/MoreVert';
import { IconButton, Menu, MenuItem } from '@mui/material';
import { useState } from 'react';

interface RowMenuProps {
    /** What the row is about. */
    of: string;
    /** What can be done, by what it is called; what is `false` cannot. */
    actions: Record<string, (() => void) | false>;
}

/** What can be done with a row, if there is anything. */
export function RowMenu({ of, actions }: RowMenuProps) {
    const [anchor, setAnchor] = useState<HTMLElement | null>(null);
    const offered = Object.entries(actions).filter(([, action]) => action !== false);
    if (offered.length === 0) return null;
    const close = () => {
        setAnchor(null);
    };
    return (
        <>
            <IconButton
                size="small"
                aria-label={`Actions of ${of}`}
                aria-haspopup="menu"
                onClick={(event) => {
                    setAnchor(event.currentTarget);
                }}
            >
                <MoreVert fontSize="inherit" />
            </IconButton>
            <Menu anchorEl={anchor} open={anchor !== null} onClose={close}>
                {offered.map(([title, action]) => (
                    <MenuItem
                        key={title}
                        onClick={() => {
                            close();
                            if (action !== false) action();
                        }}
                    >
                        {title}
                    </MenuItem>
                ))}
            </Menu>
        </>
    );
}
