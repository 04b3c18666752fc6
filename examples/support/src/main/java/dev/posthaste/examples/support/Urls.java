package dev.posthaste.examples.support;

/** Addresses of databases and brokers. */
public final class Urls {
    private Urls() {}

    /** The address without its user, password and options. */
    public static String withoutSecrets(String url) {
        int options = url.indexOf('?') < 0 ? url.indexOf(';') : url.indexOf('?');
        String bare = options < 0 ? url : url.substring(0, options);
        return bare.replaceFirst("//[^/]*@", "//");
    }
}
