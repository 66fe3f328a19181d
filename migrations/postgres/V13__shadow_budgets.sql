-- Budgets that count and never refuse: 'shadow'. A replica that does not know of them enforces them.
ALTER TABLE budget ADD COLUMN enforcement TEXT NOT NULL DEFAULT 'enforce' CHECK (enforcement IN ('enforce', 'shadow'));
