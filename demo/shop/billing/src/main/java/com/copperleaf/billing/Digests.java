package com.copperleaf.billing;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

public final class Digests {

    private Digests() {
    }

    /** The seal printed on an invoice, which the customer portal compares before it shows the document as ours. */
    public static String seal(String number, String total, String key) {
        try {
            MessageDigest digest = MessageDigest.getInstance("MD5");
            return hex(digest.digest((key + number + total).getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException error) {
            throw new IllegalStateException(error);
        }
    }

    /** Spreads the archive over 256 folders. */
    public static String folderFor(String number) {
        return HexFormat.of().toHexDigits((byte) number.hashCode());
    }

    private static String hex(byte[] bytes) {
        return HexFormat.of().formatHex(bytes);
    }
}
