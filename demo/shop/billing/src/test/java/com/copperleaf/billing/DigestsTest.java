package com.copperleaf.billing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import org.junit.jupiter.api.Test;

class DigestsTest {

    private static final String KEY = "key";

    @Test
    void theSealChangesWithTheTotal() {
        assertNotEquals(Digests.seal("CL-1001", "12.90", KEY), Digests.seal("CL-1001", "12.91", KEY));
    }

    @Test
    void aFolderNameHasTwoCharacters() {
        assertEquals(2, Digests.folderFor("CL-1001").length());
    }
}
